package diagnose

// clients are SDKs that stumble over an answer: OSS puts the endpoint's JSON where they expect something else.
var clients = []Diagnosis{
	{
		ID: "sdk-expects-xml", Message: "Non-whitespace before first tag.", Cure: None, Stored: Yes, Sure: Field, LogField: `"outcome":"queued"`,
		also: []string{"Content is not allowed in prolog", "Data at the root level is invalid", "deserialization failed, EOF", "is not a valid XML"},
		Text: Texts{
			EN: Text{
				"The upload worked; the SDK reads the callback's JSON as XML",
				"CompleteMultipartUpload with a callback answers with the endpoint's JSON in place of OSS's XML. Old SDKs, and callbacks that the SDK " +
					"does not know of (set as a raw header or in a presigned URL), stumble over it.",
				"Do not upload again: object and callback are done. Ask OSS for the object (HEAD) to be sure.",
				"Update the SDK and pass the callback by its own option, not as a raw header.",
			},
			ZH: Text{
				"上传已成功，只是 SDK 把回调返回的 JSON 当成 XML 解析",
				"带回调的 CompleteMultipartUpload 会用回调服务器的 JSON 替换 OSS 的 XML。旧版 SDK，或 SDK 不知道有回调时" +
					"（直接设置请求头或写在预签名 URL 中），就会解析失败。",
				"不要重传：对象和回调都已完成。可用 HEAD 请求确认对象是否存在。",
				"升级 SDK，并使用它提供的回调选项，不要直接设置请求头。",
			},
		},
	},
	{
		ID: "sdk-expects-json", Message: "Unexpected end of JSON input", Cure: Stop, Stored: Yes, Sure: Field, LogField: `"outcome":"queued"`,
		also: []string{"in JSON at position", "is not valid JSON"},
		Text: Texts{
			EN: Text{
				"The upload worked; the SDK could not read the answer as JSON",
				"With the callback option, ali-oss parses the answer. Here it is empty or something else: OSS sent no callback (the callback parameter " +
					"was lost on the way), or a mock, proxy or service worker in the page changed the answer.",
				"Do not upload again at once. Look in the function's log whether the job is queued.",
				"Look at the raw answer in the browser's network tab, and switch mocks off.",
			},
			ZH: Text{
				"上传已成功，但 SDK 无法把响应解析为 JSON",
				"设置了回调选项时，ali-oss 会解析响应。这里响应为空或是其他内容：OSS 没有发出回调（callback 参数在途中丢失），" +
					"或页面中的 mock、代理、Service Worker 改写了响应。",
				"不要立即重传。先在函数日志中查看任务是否已入队。",
				"在浏览器的网络面板中查看原始响应，并关闭 mock。",
			},
		},
	},
	{
		ID: "go-sdk-expects-object", Message: "json: cannot unmarshal", Cure: None, Stored: Yes, Sure: Field,
		also: []string{"into Go value of type map[string]interface {}", "looking for beginning of value"},
		Text: Texts{
			EN: Text{
				"The upload worked; the Go SDK v2 wants a JSON object from the endpoint",
				"It decodes the endpoint's answer into a map and fails on anything else, though OSS took it. It knows callbacks in the header only: " +
					"with the callback in the query it takes a 203 for success.",
				"Do not upload again: object and callback are probably done. Ask OSS for the object (HEAD) to be sure.",
				"Answer a JSON object, as the function of this project does; pass the callback in PutObjectRequest.Callback.",
			},
			ZH: Text{
				"上传已成功，但 Go SDK v2 要求回调服务器返回 JSON 对象",
				"它会把回调响应解码为 map，其他类型一律报错，即使 OSS 已接受。它只识别请求头中的 callback：如果写在查询串中，它会把 203 当作成功。",
				"不要重传：对象和回调很可能都已完成。可用 HEAD 请求确认对象是否存在。",
				"返回 JSON 对象（本项目的函数就是如此）；通过 PutObjectRequest.Callback 传递回调参数。",
			},
		},
	},
}
