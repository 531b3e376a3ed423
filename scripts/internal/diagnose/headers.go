package diagnose

// headers are faults in additionalHeaders. Its error pages show no messages.
var headers = []Diagnosis{
	{
		ID: "headers-not-map", EC: []string{"0007-00000021"}, Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"additionalHeaders is no map of strings",
				"It must be a JSON object whose values are strings.",
				"Do not upload again before it is mended.",
				"Write \"additionalHeaders\":{\"name\":\"value\"}, or leave it out: OSS documents it on its error pages only.",
			},
			ZH: Text{
				"additionalHeaders 不是字符串 map",
				"它必须是值为字符串的 JSON 对象。",
				"修正之前不要重传。",
				"写成 \"additionalHeaders\":{\"name\":\"value\"}，或去掉它：OSS 只在错误码页面中提到该字段。",
			},
		},
	},
	{
		ID: "headers-too-many", EC: []string{"0007-00000022"}, Cure: Stop, Stored: No, Sure: Inferred,
		Text: Texts{
			EN: Text{
				"additionalHeaders has more than ten headers",
				"OSS takes ten. The fault is documented, its number is inferred.",
				"Do not upload again before there are fewer.",
				"Put values into callbackBody or into custom variables instead.",
			},
			ZH: Text{
				"additionalHeaders 中的请求头超过十个",
				"OSS 最多接受十个。该错误有文档，编号是推断的。",
				"减少之前不要重传。",
				"把内容改放到 callbackBody 或自定义变量中。",
			},
		},
	},
	{
		ID: "headers-name-empty", EC: []string{"0007-00000023"}, Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"A header in additionalHeaders has an empty name",
				"Every name needs at least one character.",
				"Do not upload again before it is mended.",
				"Remove the empty name.",
			},
			ZH: Text{
				"additionalHeaders 中有名称为空的请求头",
				"每个名称至少要有一个字符。",
				"修正之前不要重传。",
				"删除空名称。",
			},
		},
	},
	{
		ID: "headers-name-invalid", EC: []string{"0007-00000024"}, Cure: Stop, Stored: No, Sure: Inferred,
		Text: Texts{
			EN: Text{
				"A header name in additionalHeaders has characters that OSS does not take",
				"Letters, digits and hyphens are allowed. The fault is documented, its number is inferred.",
				"Do not upload again before it is mended.",
				"Rename the header: no underscore, space, colon or Chinese characters.",
			},
			ZH: Text{
				"additionalHeaders 的名称中有不允许的字符",
				"允许字母、数字和连字符。该错误有文档，编号是推断的。",
				"修正之前不要重传。",
				"改名：不要使用下划线、空格、冒号或中文。",
			},
		},
	},
	{
		ID: "headers-value-invalid", EC: []string{"0007-00000025"}, Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"A header value in additionalHeaders has a line break",
				"CR and LF are not allowed in it. A newline at the end of a file or variable does this.",
				"Do not upload again before it is mended.",
				"Trim the value.",
			},
			ZH: Text{
				"additionalHeaders 的值中有换行",
				"值中不允许出现 CR 或 LF。常见原因是文件或变量末尾带有换行。",
				"修正之前不要重传。",
				"去掉值首尾的换行。",
			},
		},
	},
	{
		ID: "headers-name-reserved", EC: []string{"0007-00000026"}, Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"A header name in additionalHeaders begins with x-oss-",
				"Those names are OSS's own.",
				"Do not upload again before it is mended.",
				"Choose another name.",
			},
			ZH: Text{
				"additionalHeaders 的名称以 x-oss- 开头",
				"这些名称由 OSS 保留。",
				"修正之前不要重传。",
				"换一个名称。",
			},
		},
	},
}
