package diagnose

// EC of every answer but 200.
const errorStatus = ecPrefix + "00000203"

// refusals are the statuses 2xx to 4xx that an endpoint answered instead of 200.
var refusals = []Diagnosis{
	{
		ID: "status-redirect", EC: []string{errorStatus}, Message: "Error status : 301.", Cure: Stop, Stored: Yes, Sure: Field,
		statuses: []int{301, 302, 303, 307, 308},
		Text: Texts{
			EN: Text{
				"The endpoint answered with a redirect, and OSS follows none",
				"Usual ones: http to https, a slash at the end of the path, www, a login page. The function of this project never redirects.",
				"Do not upload again before it is mended.",
				"Put the URL that the redirect leads to into callbackUrl, with callbackSNI true if it is https; or exempt the callback's path.",
			},
			ZH: Text{
				"回调服务器返回了重定向，而 OSS 不会跟随",
				"常见原因：http 跳转 https、路径末尾的斜杠、www 域名、登录页。本项目的函数从不重定向。",
				"修复之前不要重传。",
				"把 callbackUrl 改成重定向的目标地址，如果是 https 请把 callbackSNI 设为 true；或者让回调路径不做跳转。",
			},
		},
	},
	{
		ID: "status-2xx", EC: []string{errorStatus}, Message: "Error status : 204.", Cure: Stop, Stored: Yes, Sure: Documented,
		statuses: []int{201, 202, 203, 204, 205, 206},
		Text: Texts{
			EN: Text{
				"The endpoint answered 2xx, but not 200",
				"Only 200 is success to OSS: not 201, 202, 204. The work is probably done. The function of this project never answers so.",
				"Do not upload again: the endpoint thinks that all is well. Ask it whether it knows the object.",
				"Answer 200 with a JSON body.",
			},
			ZH: Text{
				"回调服务器返回了 2xx，但不是 200",
				"对 OSS 来说只有 200 表示成功，201、202、204 都不算。处理很可能已经完成。本项目的函数不会这样返回。",
				"不要重传：回调服务器认为一切正常。请向它查询是否已有该对象。",
				"返回 200 和 JSON 正文。",
			},
		},
	},
	{
		ID: "status-400", EC: []string{errorStatus}, Message: "Error status : 400.", Cure: Stop, Stored: Yes, Sure: Documented,
		LogField: `"status":400`, statuses: []int{400},
		Text: Texts{
			EN: Text{
				"The endpoint could not read the callback (400)",
				"Ours: malformed_callback (callbackBody makes no valid form or JSON, or lacks bucket or object), query_not_recoverable (more than four " +
					"query parameters), unsupported_signature_version. In JSON templates OSS adds the quotes: \"object\":${object}, not \"${object}\".",
				"Do not upload again before callbackBody is mended.",
				"The log's code and cause say which; mint the parameters with go run ./scripts params. Other servers: a parser refused the body.",
			},
			ZH: Text{
				"回调服务器无法解析回调请求（400）",
				"本项目的函数：malformed_callback（callbackBody 生成的表单或 JSON 不合法，或缺少 bucket、object）、query_not_recoverable（查询参数超过四个）、" +
					"unsupported_signature_version。JSON 模板中引号由 OSS 添加：应写 \"object\":${object}，不要写 \"${object}\"。",
				"修正 callbackBody 之前不要重传。",
				"日志中的 code 和 cause 会说明是哪一种；可用 go run ./scripts params 生成参数。如果是其他服务器：请求体没有通过解析。",
			},
		},
	},
	{
		ID: "status-401", EC: []string{errorStatus}, Message: "Error status : 401.", Cure: Stop, Stored: Yes, Sure: Field,
		LogField: `"status":401`, statuses: []int{401},
		Text: Texts{
			EN: Text{
				"The endpoint took the callback for unsigned (401)",
				"Ours: unsigned: Authorization or x-oss-pub-key-url did not arrive; a proxy or gateway took it. Others: a login is asked for, or the " +
					"signature check failed; servers in Go 1.24 or later refuse OSS's 512-bit key without godebug rsa1024min=0.",
				"Do not upload again before it is mended.",
				"Make the HTTP trigger anonymous: Authorization belongs to OSS here. Let proxies pass all headers on.",
			},
			ZH: Text{
				"回调服务器认为请求没有签名（401）",
				"本项目的函数：unsigned，即没有收到 Authorization 或 x-oss-pub-key-url，被代理或网关去掉了。其他服务器：要求登录，或验签失败；" +
					"Go 1.24 及以上版本若没有设置 godebug rsa1024min=0，会拒绝 OSS 的 512 位公钥。",
				"修复之前不要重传。",
				"把 HTTP 触发器设为匿名访问：这里的 Authorization 是 OSS 的签名。让代理透传所有请求头。",
			},
		},
	},
	{
		ID: "status-403", EC: []string{errorStatus}, Message: "Error status : 403.", Cure: Stop, Stored: Yes, Sure: Documented,
		LogField: `"status":403`, statuses: []int{403},
		Text: Texts{
			EN: Text{
				"The endpoint refused the callback (403)",
				"Ours: bad_token, token_expired, bucket_not_allowed, bad_signature, untrusted_key_url. Function Compute: POST is not among the trigger's " +
					"methods, or the trigger wants authentication. Others: a firewall or CSRF check.",
				"With token_expired get a new token from your backend and upload again. Otherwise do not.",
				"The log's code says which. If there is no line, Function Compute or a firewall refused: allow POST, anonymous.",
			},
			ZH: Text{
				"回调服务器拒绝了回调（403）",
				"本项目的函数：bad_token、token_expired、bucket_not_allowed、bad_signature、untrusted_key_url。函数计算：触发器的请求方法中没有 POST，" +
					"或触发器要求认证。其他服务器：防火墙或 CSRF 校验。",
				"如果是 token_expired，请向你的后端换取新令牌再上传；其他情况不要重传。",
				"日志中的 code 会说明是哪一种。如果没有日志，则是函数计算或防火墙拒绝的：请允许 POST 和匿名访问。",
			},
		},
	},
	{
		ID: "status-404", EC: []string{errorStatus}, Message: "Error status : 404.", Cure: Again, Stored: Yes, Sure: Documented,
		LogField: `"status":404`, statuses: []int{404},
		Text: Texts{
			EN: Text{
				"The object is gone since, or there is no such path (404)",
				"Ours: object_gone: OSS stored the object, but when the function asked for it, several times, it was not there: something deleted it. " +
					"Others, and Function Compute without a trigger: no such path; the object is in its place.",
				"Upload again. If it stays 404, stop.",
				"With a log line: find who deletes (lifecycle rules, other programs). Without one: the path of callbackUrl is wrong.",
			},
			ZH: Text{
				"对象已被删除，或回调路径不存在（404）",
				"本项目的函数：object_gone，即 OSS 存储了对象，但函数查询了几次都没有找到：它被删除了。其他服务器，或函数计算没有触发器时：路径不存在，对象仍在。",
				"重新上传。如果仍然是 404，就不要再试。",
				"有日志：查明是谁删除了对象（生命周期规则、其他程序）。没有日志：callbackUrl 的路径写错了。",
			},
		},
	},
	{
		ID: "status-405", EC: []string{errorStatus}, Message: "Error status : 405.", Cure: Stop, Stored: Yes, Sure: Field,
		LogField: `"status":405`, statuses: []int{405},
		Text: Texts{
			EN: Text{
				"The endpoint does not take POST there (405)",
				"OSS always sends POST. Ours answers so to other methods only, so something turned POST into GET, or another server with a GET route answered.",
				"Do not upload again before it is mended.",
				"Make the route take POST. Check that callbackUrl leads to the function.",
			},
			ZH: Text{
				"回调路径不接受 POST（405）",
				"OSS 总是发送 POST。本项目的函数只对其他方法返回 405，所以是途中把 POST 变成了 GET，或响应来自只有 GET 路由的其他服务器。",
				"修复之前不要重传。",
				"让该路由接受 POST。确认 callbackUrl 指向函数。",
			},
		},
	},
	{
		ID: "status-409", EC: []string{errorStatus}, Message: "Error status : 409.", Cure: Stop, Stored: Yes, Sure: Documented,
		LogField: `"status":409`, statuses: []int{409},
		Text: Texts{
			EN: Text{
				"The object was overwritten meanwhile (409)",
				"Ours: object_changed: its size is not the one in the callback. A newer upload of the same key has its own callback.",
				"Do nothing: uploading the older file again would overwrite the newer one.",
				"Use a new key per upload, or forbid overwriting, if uploads of one key race. Other servers: a conflict of their own.",
			},
			ZH: Text{
				"对象在此期间被覆盖（409）",
				"本项目的函数：object_changed，即对象大小与回调中的不一致。同名对象有更新的上传，它有自己的回调。",
				"无需处理：重传旧文件会覆盖新文件。",
				"如果会并发上传同名对象，请每次使用新的对象名，或禁止覆盖。如果是其他服务器：是它自己的冲突。",
			},
		},
	},
	{
		ID: "status-413", EC: []string{errorStatus}, Message: "Error status : 413.", Cure: Stop, Stored: Yes, Sure: Documented,
		LogField: `"status":413`, statuses: []int{413},
		Text: Texts{
			EN: Text{
				"The callback's body is too long for the endpoint (413)",
				"Ours: body_too_large: more than 64 KiB. This is the text made from callbackBody, not the file.",
				"Do not upload again before callbackBody is shorter.",
				"Shorten callbackBody and the custom variables. Other servers have their own limits.",
			},
			ZH: Text{
				"回调请求体对回调服务器来说过大（413）",
				"本项目的函数：body_too_large，即超过 64 KiB。这里指由 callbackBody 生成的内容，不是上传的文件。",
				"缩短 callbackBody 之前不要重传。",
				"缩短 callbackBody 和自定义变量。其他服务器的上限各不相同。",
			},
		},
	},
	{
		ID: "status-422", EC: []string{errorStatus}, Message: "Error status : 422.", Cure: Stop, Stored: Yes, Sure: Documented,
		LogField: `"status":422`, statuses: []int{422},
		Text: Texts{
			EN: Text{
				"The file is no image that OSS can read (422)",
				"Ours: not_an_image, only with REQUIRE_IMAGE=true. Other servers: the fields of the callback do not suit them.",
				"Do not upload the same file again: choose another one.",
				"Check the file before the upload. Unset REQUIRE_IMAGE if other files are welcome.",
			},
			ZH: Text{
				"文件不是 OSS 能识别的图片（422）",
				"本项目的函数：not_an_image，只在 REQUIRE_IMAGE=true 时出现。其他服务器：回调中的字段不符合要求。",
				"不要重传同一个文件：请换一个。",
				"上传前先检查文件。如果也接受其他文件，请取消 REQUIRE_IMAGE。",
			},
		},
	},
	{
		ID: "status-429", EC: []string{errorStatus}, Message: "Error status : 429.", Cure: Wait, Stored: Yes, Sure: Documented, statuses: []int{429},
		Text: Texts{
			EN: Text{
				"The endpoint is throttled (429)",
				"Function Compute has no instance left within its limits, or another server limits its callers. The function was not run.",
				"Upload again after a pause with jitter, longer each time.",
				"Raise the concurrency limit of the function or of the account, or deploy the web variant, which takes many callbacks per instance.",
			},
			ZH: Text{
				"回调服务器被限流（429）",
				"函数计算的实例数已达上限，或其他服务器限制了请求频率。函数没有执行。",
				"稍等片刻再重新上传：加随机延迟，间隔逐次加长。",
				"提高函数或账号的并发上限，或改用 Web 函数部署：一个实例可同时处理多个回调。",
			},
		},
	},
}
