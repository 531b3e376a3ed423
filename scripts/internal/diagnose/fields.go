package diagnose

// parameters are faults in the fields of the callback parameter.
var parameters = []Diagnosis{
	{
		ID: "url-invalid", EC: []string{"0007-00000004"}, Message: "The callback url configuration is invalid.", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"callbackUrl is missing or no URL",
				"It is empty, has a port that is no number, has spaces or letters that are not percent-encoded, or an IPv6 address.",
				"Do not upload again before it is mended.",
				"Write http(s)://host[:port]/path with everything percent-encoded; several URLs are separated by a semicolon.",
			},
			ZH: Text{
				"缺少 callbackUrl，或它不是合法的 URL",
				"为空、端口不是数字、含有未编码的空格或非 ASCII 字符，或使用了 IPv6 地址。",
				"修正之前不要重传。",
				"写成 http(s)://主机[:端口]/路径，并做百分号编码；多个 URL 用分号隔开。",
			},
		},
	},
	{
		ID: "too-many-urls", EC: []string{"0007-00000005"}, Message: "The number of callback url exceed max value.", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"callbackUrl lists more than five URLs",
				"OSS tries up to five, in their order, until one succeeds.",
				"Do not upload again before the list is shorter.",
				"Keep five or fewer; one URL behind a load balancer is better.",
			},
			ZH: Text{
				"callbackUrl 中的 URL 超过五个",
				"OSS 最多接受五个，按顺序尝试，直到有一个成功。",
				"缩短列表之前不要重传。",
				"保留五个以内；更好的做法是只用一个负载均衡后面的 URL。",
			},
		},
	},
	{
		ID: "url-unresolvable", EC: []string{"0007-00000007"}, Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The host in callbackUrl has no public address",
				"Its name does not resolve for OSS: misspelt, known inside your network only, new, or with IPv6 addresses only.",
				"Do not upload again before it is mended, unless DNS was changed a moment ago.",
				"Use a name that public DNS resolves to a public IPv4 address.",
			},
			ZH: Text{
				"callbackUrl 中的主机没有公网地址",
				"OSS 无法解析该域名：拼写错误、只在内网可解析、解析尚未生效，或只有 IPv6 地址。",
				"修正之前不要重传；如果刚改过 DNS，可稍后再试。",
				"使用能在公网 DNS 解析到公网 IPv4 地址的域名。",
			},
		},
	},
	{
		ID: "private-address", EC: []string{"0007-00000008"}, Message: "Private address is forbidden to callback.", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"callbackUrl leads to a private or loopback address",
				"OSS calls over the internet: localhost, 10.x, 172.16.x, 192.168.x and internal function URLs are out of its reach.",
				"Do not upload again before it is mended.",
				"Use the trigger's public URL. At home: a tunnel, or go run ./scripts dev, which plays OSS on your machine.",
			},
			ZH: Text{
				"callbackUrl 指向内网或本机地址",
				"OSS 通过公网回调：localhost、10.x、172.16.x、192.168.x 以及函数的内网地址都无法访问。",
				"修正之前不要重传。",
				"使用触发器的公网地址。本地开发可用内网穿透，或用 go run ./scripts dev 在本机模拟 OSS。",
			},
		},
	},
	{
		ID: "host-invalid", EC: []string{"0007-00000009"}, Message: "The callback host configuration is invalid.", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"callbackHost is no host name",
				"It must be a string with a domain or an IP address; it only sets the Host header.",
				"Do not upload again before it is mended.",
				"Leave callbackHost out: OSS takes the host of the URL then.",
			},
			ZH: Text{
				"callbackHost 不是合法的主机名",
				"它必须是域名或 IP 字符串，只用于设置 Host 请求头。",
				"修正之前不要重传。",
				"去掉 callbackHost：OSS 会使用 URL 中的主机。",
			},
		},
	},
	{
		ID: "body-invalid", EC: []string{"0007-00000010"}, Message: "The callback body is invalid.", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"callbackBody is no string",
				"Also for a JSON body, callbackBody is a JSON string that holds the template, not an object.",
				"Do not upload again before it is mended.",
				"Write \"callbackBody\":\"{\\\"object\\\":${object}}\", with the inner quotes escaped.",
			},
			ZH: Text{
				"callbackBody 不是字符串",
				"即使回调内容是 JSON，callbackBody 也必须是装有模板的字符串，不能是对象。",
				"修正之前不要重传。",
				"写成 \"callbackBody\":\"{\\\"object\\\":${object}}\"，内部引号要转义。",
			},
		},
	},
	{
		ID: "body-empty", EC: []string{"0007-00000011"}, Message: "The callback body is empty.", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"callbackBody is missing or empty",
				"OSS sends no callback without a body.",
				"Do not upload again before it is mended.",
				"Set it, at least bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&reqId=${reqId}.",
			},
			ZH: Text{
				"缺少 callbackBody，或它为空",
				"没有请求体，OSS 就不会发出回调。",
				"修正之前不要重传。",
				"至少设置 bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&reqId=${reqId}。",
			},
		},
	},
	{
		ID: "body-type-invalid", EC: []string{"0007-00000012"}, Message: "The callback body type configuration is invalid.",
		Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"callbackBodyType is no string",
				"It must be a JSON string.",
				"Do not upload again before it is mended.",
				"Write \"application/x-www-form-urlencoded\" or \"application/json\", or leave it out for the first.",
			},
			ZH: Text{
				"callbackBodyType 不是字符串",
				"它必须是 JSON 字符串。",
				"修正之前不要重传。",
				"写成 \"application/x-www-form-urlencoded\" 或 \"application/json\"；省略时默认为前者。",
			},
		},
	},
	{
		ID: "body-type-unsupported", EC: []string{"0007-00000013"}, Message: "The body type of callback is not supported.",
		Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"callbackBodyType is neither form nor JSON",
				"OSS knows these two only, without a charset behind them.",
				"Do not upload again before it is mended.",
				"Write application/x-www-form-urlencoded or application/json.",
			},
			ZH: Text{
				"callbackBodyType 既不是表单也不是 JSON",
				"OSS 只支持这两种类型，后面不要加 charset。",
				"修正之前不要重传。",
				"写成 application/x-www-form-urlencoded 或 application/json。",
			},
		},
	},
	{
		ID: "sni-invalid", EC: []string{"0007-00000014"}, Message: "The callback sni is invalid.", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"callbackSNI is no JSON boolean",
				"It must be true or false without quotes. SDKs that take a map of strings (Android) make the string \"true\" of it, which OSS refuses.",
				"Do not upload again before it is mended.",
				"Write \"callbackSNI\":true; where the SDK cannot, build the parameter yourself and pass its Base64.",
			},
			ZH: Text{
				"callbackSNI 不是 JSON 布尔值",
				"它必须是不带引号的 true 或 false。部分 SDK（如 Android）只接受字符串 map，会变成字符串 \"true\"，OSS 不接受。",
				"修正之前不要重传。",
				"写成 \"callbackSNI\":true；SDK 做不到时，自行生成参数并传入其 Base64。",
			},
		},
	},
	{
		ID: "stage-invalid", EC: []string{"0007-00000015", "0007-00000016"}, Cure: Stop, Stored: No, Sure: Field,
		Text: Texts{
			EN: Text{
				"callbackStage is invalid",
				"A field that OSS opens to invited customers only: it must be a string with the name of a stage (0015: no string, 0016: unknown name).",
				"Do not upload again before it is mended.",
				"Leave callbackStage out.",
			},
			ZH: Text{
				"callbackStage 不合法",
				"该字段仅对邀测用户开放：必须是表示阶段名称的字符串（0015：不是字符串；0016：名称未知）。",
				"修正之前不要重传。",
				"去掉 callbackStage。",
			},
		},
	},
	{
		ID: "failure-action-invalid", EC: []string{"0007-00000017"}, Cure: Stop, Stored: No, Sure: Field,
		Text: Texts{
			EN: Text{
				"callbackFailureAction is invalid",
				"A field that OSS opens to invited customers only.",
				"Do not upload again before it is mended.",
				"Leave callbackFailureAction out.",
			},
			ZH: Text{
				"callbackFailureAction 不合法",
				"该字段仅对邀测用户开放。",
				"修正之前不要重传。",
				"去掉 callbackFailureAction。",
			},
		},
	},
	{
		ID: "signature-version-invalid", EC: []string{"0007-00000018", "0007-00000019", "0007-00000020"},
		Message: "The callback signature version is invalid.", Cure: Stop, Stored: No, Sure: Inferred,
		Text: Texts{
			EN: Text{
				"signatureVersion of the callback is invalid",
				"It must be the string \"1.0\"; 2.0 is for invited customers. The fault is documented; that these three numbers are about it is inferred.",
				"Do not upload again before it is mended.",
				"Leave signatureVersion out: 1.0 is the default, and the only one that the function verifies.",
			},
			ZH: Text{
				"回调的 signatureVersion 不合法",
				"它必须是字符串 \"1.0\"；2.0 仅对邀测用户开放。该错误有文档，这三个编号与它的对应关系是推断的。",
				"修正之前不要重传。",
				"去掉 signatureVersion：默认就是 1.0，函数也只验证 1.0。",
			},
		},
	},
}
