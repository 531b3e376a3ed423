package diagnose

// unknown are numbers that nobody has explained in public, and a status or a request id alone. The families are known: what begins with 00 or 01 is found
// before the upload, what begins with 02 or 03 after it.
var unknown = []Diagnosis{
	{
		ID: "unknown-ec-00xx", EC: []string{"0007-00000006"}, Cure: Stop, Stored: No, Sure: Inferred,
		Text: Texts{
			EN: Text{
				"Something in the callback parameter is wrong; what this number means is not public",
				"Numbers 00xx are faults in the callback parameter, found before the upload. OSS answered 400, stored nothing and called nobody.",
				"Do not upload again with the same parameters.",
				"Read Message, ArgumentName and ArgumentValue of the answer. Mint the parameters with go run ./scripts params and compare.",
			},
			ZH: Text{
				"callback 参数有误；该编号的具体含义没有公开",
				"00xx 是 callback 参数的错误，在上传之前就会发现。OSS 返回 400，没有存储任何内容，也没有发出回调。",
				"不要用相同的参数重传。",
				"查看响应中的 Message、ArgumentName 和 ArgumentValue。用 go run ./scripts params 生成参数进行对比。",
			},
		},
	},
	{
		ID: "unknown-ec-01xx", Cure: Stop, Stored: No, Sure: Inferred,
		Text: Texts{
			EN: Text{
				"Something in the custom variables is wrong; what this number means is not public",
				"Numbers 01xx are faults in callback-var or in the placeholders, found before the upload. OSS stored nothing and called nobody.",
				"Do not upload again with the same parameters.",
				"callback-var must be Base64 of a flat JSON object whose names begin with x: and whose values are strings.",
			},
			ZH: Text{
				"自定义变量有误；该编号的具体含义没有公开",
				"01xx 是 callback-var 或占位符的错误，在上传之前就会发现。OSS 没有存储任何内容，也没有发出回调。",
				"不要用相同的参数重传。",
				"callback-var 必须是单层 JSON 对象的 Base64 编码：名称以 x: 开头，值为字符串。",
			},
		},
	},
	{
		ID: "unknown-ec-02xx", EC: []string{"0007-00000204", "0007-00000206", "0007-00000207", "0007-00000208"}, Cure: Stop, Stored: Yes, Sure: Inferred,
		LogField: `"oss_request_id"`,
		Text: Texts{
			EN: Text{
				"The callback failed; what this number means is not public",
				"Numbers 02xx come after the upload: the object is stored, and calling the endpoint went wrong. 0204 is probably about the " +
					"Content-Length of the endpoint's answer.",
				"Do not take it for success. Diagnose the whole message, which says more than the number.",
				"Look for the request id in the function's log: if there is a line with status 200, something changed the answer on its way.",
			},
			ZH: Text{
				"上传回调失败；该编号的具体含义没有公开",
				"02xx 出现在上传之后：对象已存储，但调用回调服务器出错。0204 很可能与回调响应的 Content-Length 有关。",
				"不要当作成功。请用完整的消息再诊断一次，它比编号更能说明问题。",
				"在函数日志中查找 Request ID：如果有状态为 200 的记录，说明响应在途中被改写。",
			},
		},
	},
	{
		ID: "unknown-ec-03xx", Cure: Again, Stored: Yes, Sure: Inferred,
		Text: Texts{
			EN: Text{
				"OSS had trouble with the image; what this number means is not public",
				"Numbers 03xx come after the upload, when callbackBody asks for imageInfo.* and OSS cannot get it.",
				"Upload again. If it fails once more, look whether the object is there and the image opens.",
				"Take imageInfo.* out of callbackBody: the function asks for the facts itself, and retries.",
			},
			ZH: Text{
				"OSS 处理图片信息时出错；该编号的具体含义没有公开",
				"03xx 出现在上传之后：callbackBody 用到了 imageInfo.*，但 OSS 无法取到。",
				"重新上传。如果仍然失败，请检查对象是否还在、图片能否打开。",
				"从 callbackBody 中去掉 imageInfo.*：函数会自行查询图片信息并重试。",
			},
		},
	},
	{
		ID: "unknown-ec-other", Cure: Stop, Stored: Unknown, Sure: Inferred,
		Text: Texts{
			EN: Text{
				"A number about callbacks that nobody has explained",
				"Numbers that begin with 0007- are about callbacks. OSS may have added this one lately.",
				"HTTP 203 means that the object is stored, 400 that it is not. Do not upload again before you know more.",
				"Follow the link below, and diagnose the whole message.",
			},
			ZH: Text{
				"与上传回调有关、但没有公开说明的编号",
				"以 0007- 开头的编号都与上传回调有关。这一个可能是 OSS 新增的。",
				"HTTP 203 表示对象已存储，400 表示没有。弄清原因之前不要重传。",
				"打开下面的链接，并用完整的消息再诊断一次。",
			},
		},
	},
	{
		ID: "ec-elsewhere", Cure: Stop, Stored: Unknown, Sure: Documented,
		Text: Texts{
			EN: Text{
				"This is not about the callback",
				"Numbers about callbacks begin with 0007-. OSS refused the request for another reason (0002 is authentication, 0003 access control, " +
					"0006 form upload, 0015 bucket, 0017 the request), so that no callback was sent.",
				"Diagnose the whole message, or follow the link below.",
				"Mend what the message names; the callback comes after it.",
			},
			ZH: Text{
				"这不是上传回调的错误",
				"与上传回调有关的编号以 0007- 开头。OSS 因其他原因拒绝了请求（0002 认证、0003 访问控制、0006 表单上传、0015 Bucket、0017 请求），" +
					"因此没有发出回调。",
				"用完整的消息再诊断一次，或打开下面的链接。",
				"先解决消息中指出的问题，之后才会轮到回调。",
			},
		},
	},
	{
		ID: "bare-refusal", Cure: Stop, Stored: Unknown, Sure: Inferred, LogField: `"oss_request_id"`,
		Text: Texts{
			EN: Text{
				"A refusal, but the input does not tell whose",
				"If OSS answered it to the uploader, nothing is stored. If the callback endpoint answered it to OSS, the uploader got HTTP 203 with " +
					"\"Error status : 404.\" or another number, and the object is stored.",
				"Do not upload again before you know who answered. Diagnose the whole answer, headers and body.",
				"OSS sends Server: AliyunOSS and x-oss-request-id; an answer without them is a proxy's or another server's.",
			},
			ZH: Text{
				"请求被拒绝，但从输入中看不出是谁拒绝的",
				"如果是 OSS 返回给上传端的，说明没有存储任何内容。如果是回调服务器返回给 OSS 的，上传端会收到 HTTP 203，消息为" +
					" \"Error status : 404.\" 一类，且对象已存储。",
				"弄清是谁返回的之前不要重传。请用完整的响应（响应头和正文）再诊断一次。",
				"OSS 的响应带有 Server: AliyunOSS 和 x-oss-request-id；没有这两个响应头的，来自代理或其他服务器。",
			},
		},
	},
	{
		ID: "bare-outage", Cure: Wait, Stored: Unknown, Sure: Inferred, LogField: `"oss_request_id"`,
		Text: Texts{
			EN: Text{
				"A server cannot work at the moment, but the input does not tell which",
				"If OSS or a proxy before it answered this to the uploader, the object may be stored or not. If the callback endpoint answered it to OSS, " +
					"the uploader got HTTP 203 with \"Error status : 502.\" or another number, and the object is stored.",
				"Upload again after a pause with jitter, a few times at most. If it stays, diagnose the whole answer, headers and body.",
				"OSS sends Server: AliyunOSS and x-oss-request-id; an answer without them is a proxy's or another server's.",
			},
			ZH: Text{
				"某个服务器暂时不可用，但从输入中看不出是哪一个",
				"如果是 OSS 或它前面的代理返回给上传端的，对象可能已存储，也可能没有。如果是回调服务器返回给 OSS 的，上传端会收到 HTTP 203，" +
					"消息为 \"Error status : 502.\" 一类，且对象已存储。",
				"稍等片刻再重新上传（加随机延迟），最多几次。如果仍然失败，请用完整的响应（响应头和正文）再诊断一次。",
				"OSS 的响应带有 Server: AliyunOSS 和 x-oss-request-id；没有这两个响应头的，来自代理或其他服务器。",
			},
		},
	},
	{
		ID: "request-id", Cure: None, Stored: Unknown, Sure: Field, LogField: `"oss_request_id"`,
		Text: Texts{
			EN: Text{
				"The request id of an upload",
				"A request id says when OSS got the upload, not how it ended.",
				"Diagnose the message or the EC of the answer.",
				"Look for the id in the function's log at about that time. No line means that OSS did not reach the function, or that all went well and " +
					"LOG_LEVEL is warn or error.",
			},
			ZH: Text{
				"这是一次上传的 Request ID",
				"Request ID 只能说明 OSS 收到上传的时间，不能说明结果。",
				"请诊断响应中的 Message 或 EC。",
				"在函数日志中查找该时间前后的这个 ID。如果没有记录，说明 OSS 没有访问到函数；或者一切正常，而 LOG_LEVEL 设为 warn 或 error。",
			},
		},
	},
}
