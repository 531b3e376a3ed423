package diagnose

// variables are faults in callback-var and in the placeholders of callbackBody.
var variables = []Diagnosis{
	{
		ID: "var-too-long", EC: []string{"0007-00000101"}, Message: "The length of callback var exceed max value.", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The custom variables are longer than 5 KB",
				"OSS takes 5 KB of Base64, and advises ten variables and 512 bytes at most.",
				"Do not upload again before they are shorter.",
				"Keep long values in your own database and pass their key only.",
			},
			ZH: Text{
				"自定义变量超过 5 KB",
				"OSS 接受的 Base64 最长 5 KB，并建议不超过十个变量、总共 512 字节。",
				"缩短之前不要重传。",
				"把长内容存到自己的数据库，这里只传它的键。",
			},
		},
	},
	{
		ID: "var-not-base64", EC: []string{"0007-00000102"}, Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"callback-var is not standard Base64",
				"Usual ones: URL-safe Base64, line breaks, plain JSON, or a + that became a space in a query.",
				"Do not upload again before it is mended.",
				"Encode with standard Base64 on one line. In a form upload there is no callback-var: each variable is its own field named x:...",
			},
			ZH: Text{
				"callback-var 不是标准的 Base64",
				"常见原因：使用了 URL 安全的 Base64、含有换行、直接传了 JSON，或查询串中的 + 变成了空格。",
				"修正之前不要重传。",
				"使用标准 Base64 编码，不要换行。表单上传没有 callback-var：每个变量是一个名为 x:... 的表单域。",
			},
		},
	},
	{
		ID: "var-not-json", EC: []string{"0007-00000103"}, Message: "The callback var is not expecten json.", Cure: Stop, Stored: No, Sure: Documented,
		also: []string{"The callback var is not expected json"},
		Text: Texts{
			EN: Text{
				"The decoded callback-var is not the JSON that OSS expects",
				"No JSON at all (a brace is missing), or no flat object of strings: OSS says the same words for both.",
				"Do not upload again before it is mended.",
				"Let a JSON library write {\"x:name\":\"value\"}: names begin with x: and are lower-case, values are strings, numbers too.",
			},
			ZH: Text{
				"callback-var 解码后不是 OSS 要求的 JSON",
				"根本不是 JSON（例如少了括号），或不是值为字符串的单层对象：两种情况 OSS 的消息相同。",
				"修正之前不要重传。",
				"用 JSON 库生成 {\"x:name\":\"value\"}：名称以 x: 开头、使用小写，值一律是字符串，数字也要写成字符串。",
			},
		},
	},
	{
		ID: "var-not-flat", EC: []string{"0007-00000104"}, Message: "The callback var is not expecten json.", Cure: Stop, Stored: No, Sure: Inferred,
		Text: Texts{
			EN: Text{
				"callback-var is JSON, but no flat map of strings",
				"A nested object, an array, a number or null is in it. The fault is documented, its number is inferred.",
				"Do not upload again before it is mended.",
				"Make every value a string, numbers too.",
			},
			ZH: Text{
				"callback-var 是 JSON，但不是值为字符串的单层对象",
				"其中有嵌套对象、数组、数字或 null。该错误有文档，编号是推断的。",
				"修正之前不要重传。",
				"所有值都写成字符串，数字也不例外。",
			},
		},
	},
	{
		ID: "placeholder-syntax", EC: []string{"0007-00000105"}, Message: "Left brace must be adjacent to dollar sign.",
		also: []string{"ReplaceKeyPrefix"}, Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"A placeholder in callbackBody is written wrongly",
				"Placeholders are ${name}, such as ${object} or ${x:my_var}. $(name), $name and $name} are refused, and so is any other dollar sign. " +
					"A shell or a deployment tool may have eaten part of it.",
				"Do not upload again before callbackBody is mended.",
				"Mend the template; ArgumentValue of the answer shows it as OSS got it. Single-quote it in shells.",
			},
			ZH: Text{
				"callbackBody 中的占位符写法有误",
				"占位符的写法是 ${name}，例如 ${object}、${x:my_var}。$(name)、$name、$name} 以及其他单独的美元符号都不接受。" +
					"也可能是 shell 或部署工具替换掉了其中一部分。",
				"修正 callbackBody 之前不要重传。",
				"修正模板；响应中的 ArgumentValue 就是 OSS 收到的模板。在 shell 中请用单引号括起来。",
			},
		},
	},
}
