package diagnose

import "regexp"

// byClient knows SDKs that stumble over an answer. Their parsers' words are in everybody's logs, so the SDK has to be in the text too.
func byClient(e Evidence) (Diagnosis, bool) {
	for _, c := range clientWords {
		if c.sdk.MatchString(e.Message) && c.words.MatchString(e.Message) {
			return byID(c.id)
		}
	}
	return Diagnosis{}, false
}

var clientWords = []struct {
	id         string
	sdk, words *regexp.Regexp
}{
	{"go-sdk-expects-object", regexp.MustCompile(`operation error (?:PutObject|CompleteMultipartUpload)\b`),
		regexp.MustCompile(`json: cannot unmarshal|looking for beginning of value|unexpected end of JSON input`)},
	{"go-sdk-expects-object", regexp.MustCompile(`into Go value of type map\[string\]interface`), regexp.MustCompile(`json: cannot unmarshal`)},
	{"sdk-expects-xml", regexp.MustCompile(`operation error CompleteMultipartUpload\b`), regexp.MustCompile(`deserialization failed`)},
	{"sdk-expects-xml", regexp.MustCompile(`Non-whitespace before first tag`), regexp.MustCompile(`raw xml: ?\{`)},
	{"sdk-expects-xml", regexp.MustCompile(`(?i)com\.aliyun\.oss|Aliyun\.OSS`),
		regexp.MustCompile(`Content is not allowed in prolog|Data at the root level is invalid`)},
	{"sdk-expects-json", regexp.MustCompile(`\bali-oss\b|\baliyun-oss-sdk\b`),
		regexp.MustCompile(`Unexpected end of JSON input|in JSON at position|is not valid JSON`)},
}

// clients are SDKs that find something else in an answer than they expect. OSS puts the endpoint's JSON where its own XML used to be; but
// what an SDK could not read may as well come from a proxy, so nothing is certain.
var clients = []Diagnosis{
	{
		ID: "sdk-expects-xml", Cure: Stop, Stored: Unknown, Sure: Field, LogField: `"outcome":"queued"`,
		Text: Texts{
			EN: Text{
				"The upload probably worked; the SDK reads the callback's JSON as XML",
				"CompleteMultipartUpload with a callback answers with the endpoint's JSON in place of OSS's XML. Old SDKs, and callbacks that the SDK " +
					"does not know of (set as a raw header or in a presigned URL), stumble over it.",
				"Do not upload again at once. Ask OSS for the object (HEAD), and look in the function's log whether the job is queued.",
				"Update the SDK and pass the callback by its own option, not as a raw header.",
			},
			ZH: Text{
				"上传很可能已成功，只是 SDK 把回调返回的 JSON 当成 XML 解析",
				"带回调的 CompleteMultipartUpload 会用回调服务器的 JSON 替换 OSS 的 XML。旧版 SDK，或 SDK 不知道有回调时" +
					"（直接设置请求头或写在预签名 URL 中），就会解析失败。",
				"不要立即重传。先用 HEAD 请求确认对象是否存在，并在函数日志中查看任务是否已入队。",
				"升级 SDK，并使用它提供的回调选项，不要直接设置请求头。",
			},
		},
	},
	{
		ID: "sdk-expects-json", Cure: Stop, Stored: Unknown, Sure: Field, LogField: `"outcome":"queued"`,
		Text: Texts{
			EN: Text{
				"ali-oss could not read the answer as JSON",
				"With the callback option, ali-oss parses the answer. Here it is empty or something else: OSS sent no callback (the callback parameter " +
					"was lost on the way), or a mock, proxy or service worker in the page changed the answer.",
				"Do not upload again at once. Ask OSS for the object (HEAD), and look in the function's log whether the job is queued.",
				"Look at the raw answer in the browser's network tab, and switch mocks off.",
			},
			ZH: Text{
				"ali-oss 无法把响应解析为 JSON",
				"设置了回调选项时，ali-oss 会解析响应。这里响应为空或是其他内容：OSS 没有发出回调（callback 参数在途中丢失），" +
					"或页面中的 mock、代理、Service Worker 改写了响应。",
				"不要立即重传。先用 HEAD 请求确认对象是否存在，并在函数日志中查看任务是否已入队。",
				"在浏览器的网络面板中查看原始响应，并关闭 mock。",
			},
		},
	},
	{
		ID: "go-sdk-expects-object", Cure: Stop, Stored: Unknown, Sure: Field,
		Text: Texts{
			EN: Text{
				"The upload probably worked; the Go SDK v2 wants a JSON object from the endpoint",
				"It decodes the endpoint's answer into a map and fails on anything else, though OSS took it. It knows callbacks in the header only: " +
					"with the callback in the query it takes a 203 for success.",
				"Do not upload again at once. Ask OSS for the object (HEAD), and the endpoint whether it knows it.",
				"Answer a JSON object, as the function of this project does; pass the callback in PutObjectRequest.Callback.",
			},
			ZH: Text{
				"上传很可能已成功，但 Go SDK v2 要求回调服务器返回 JSON 对象",
				"它会把回调响应解码为 map，其他类型一律报错，即使 OSS 已接受。它只识别请求头中的 callback：如果写在查询串中，它会把 203 当作成功。",
				"不要立即重传。先用 HEAD 请求确认对象是否存在，并向回调服务器查询是否已有该对象。",
				"返回 JSON 对象（本项目的函数就是如此）；通过 PutObjectRequest.Callback 传递回调参数。",
			},
		},
	},
}
