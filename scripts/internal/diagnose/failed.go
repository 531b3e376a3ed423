package diagnose

// failed are the rows of OSS's page on HTTP 203: the object is stored, the callback went wrong. The answers themselves are in statuses.
var failed = []Diagnosis{
	{
		ID: "callback-failed", Code: "CallbackFailed", general: true, Cure: Stop, Stored: Yes, Sure: Documented, LogField: `"oss_request_id"`,
		Text: Texts{
			EN: Text{
				"The upload worked, its callback did not (HTTP 203)",
				"OSS stored the object, called the callback URL, and did not like what came back. The reason is in Message, which is missing here or not one that is known.",
				"Do not take 203 for success. Get the whole answer: Message and EC of its XML body, or the x-oss-ec header; then ask again.",
				"Make the uploader keep Message, EC and the request id whenever the status is 203.",
			},
			ZH: Text{
				"文件已上传成功，但上传回调失败（HTTP 203）",
				"OSS 已存储对象，也调用了回调地址，但不接受返回的结果。具体原因在 Message 中，而这份输入里没有 Message，或者其中的 Message 未能识别。",
				"不要把 203 当作成功。请取得完整的响应：XML 正文中的 Message 和 EC，或响应头 x-oss-ec，再重新诊断。",
				"让上传端在收到 203 时记录 Message、EC 和 Request ID。",
			},
		},
	},
	{
		ID: "image-info-failed", EC: []string{"0007-00000301", "0007-00000302", "0007-00000303"}, Message: "Get image info failed.",
		Cure: Again, Stored: Yes, Sure: Documented,
		Text: Texts{
			EN: Text{
				"OSS could not read the image's facts for the callback",
				"callbackBody asks for imageInfo.*, and OSS could not get it: the object was deleted right after it was stored, or the image is " +
					"broken. OSS sent no callback.",
				"Upload again. If it fails once more, look whether the object is still there and whether the image opens elsewhere.",
				"Take imageInfo.* out of callbackBody: the function asks for the facts itself, and retries. Look for lifecycle rules and for other " +
					"programs that delete the object.",
			},
			ZH: Text{
				"OSS 无法获取回调所需的图片信息",
				"callbackBody 中用到了 imageInfo.*，但 OSS 没能取到：对象存储后随即被删除，或者图片已损坏。OSS 没有发出回调。",
				"重新上传。如果仍然失败，请检查对象是否还在，以及图片用其他工具能否打开。",
				"从 callbackBody 中去掉 imageInfo.*：函数会自行查询图片信息并重试。另外检查是否有生命周期规则或其他程序删除了该对象。",
			},
		},
	},
	{
		ID: "too-many-callbacks", EC: []string{"0007-00000201"}, Message: "Too many callback requests.", Cure: Wait, Stored: Yes, Sure: Documented,
		Text: Texts{
			EN: Text{
				"OSS has too many callbacks under way and did not send this one",
				"OSS limits how many callbacks wait for an answer at once. Slow endpoints and bursts of uploads run into it. Your endpoint was not called.",
				"Upload again after a pause with jitter, longer each time. OSS never sends a callback again by itself.",
				"Answer callbacks faster, spread bursts of uploads, and ask Alibaba Cloud's support if it stays.",
			},
			ZH: Text{
				"OSS 正在处理的回调过多，没有发出这一次回调",
				"OSS 限制同时等待响应的回调数量。回调服务器响应慢、短时间内集中上传，都会触发该限制。你的回调服务器没有被调用。",
				"稍等片刻再重新上传：加随机延迟，间隔逐次加长。OSS 不会自动重发回调。",
				"加快回调的响应速度，把集中的上传错开；如果持续出现，请联系阿里云技术支持。",
			},
		},
	},
	{
		ID: "cost-too-long", EC: []string{"0007-00000202"}, Message: "Cost too long time.", also: []string{"reply timeout"},
		Cure: Wait, Stored: Yes, Sure: Documented, LogField: `"total_ms"`,
		Text: Texts{
			EN: Text{
				"The endpoint took longer than 5 seconds",
				"OSS waits 5 s for the whole callback and hangs up. The work may have been done all the same: a job may be queued.",
				"Upload again after a pause. That is harmless when callbackBody has ${etag}: the same file under the same key has the same job id then.",
				"Compare before_ms (gateway and cold start) with total_ms in the log. If the first is large keep an instance warm; if the second is, " +
					"lower CALLBACK_BUDGET or move work to the worker. If both are small, the way between OSS and the endpoint is slow.",
			},
			ZH: Text{
				"回调服务器在 5 秒内没有响应",
				"OSS 等待整个回调最多 5 秒，超时即断开连接。但处理可能已经完成：任务可能已经入队。",
				"稍等片刻再重新上传。只要 callbackBody 中有 ${etag}，同名且内容相同的文件任务 ID 也相同，重传不会造成重复处理。",
				"对比日志中的 before_ms（网关与冷启动）和 total_ms：前者大，请保留预热实例；后者大，请调低 CALLBACK_BUDGET，或把耗时工作移到 worker；" +
					"两者都小，说明 OSS 到回调服务器之间的网络慢。",
			},
		},
	},
	{
		ID: "invalid-json", EC: []string{"0007-00000205"}, Message: "Response body is not valid json format.", Cure: Stop, Stored: Yes, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The endpoint's answer is not JSON",
				"The endpoint answered 200 with something else: a bare OK, an HTML page, a stack trace, or JSON behind a byte order mark. " +
					"The function of this project always answers a JSON object, so something else did, or changed its answer.",
				"Do not upload again before it is mended: every upload would fail.",
				"Send a POST to the callback URL yourself and look at the bytes. Check that callbackUrl leads to the function and not to a default page, " +
					"a login page or a proxy.",
			},
			ZH: Text{
				"回调服务器返回的不是 JSON",
				"回调服务器返回了 200，但正文不是 JSON：只有 OK、HTML 页面、异常堆栈，或者 JSON 前面带有 BOM。本项目的函数总是返回 JSON 对象，" +
					"所以响应来自别处，或在途中被改写。",
				"修复之前不要重传：每次上传都会失败。",
				"自己向回调地址发一个 POST 请求，查看返回的原始字节。确认 callbackUrl 指向函数，而不是默认页、登录页或代理。",
			},
		},
	},
	{
		ID: "length-too-long", EC: []string{"0007-00000203", "0007-00000204"}, Cure: Stop, Stored: Yes, Sure: Documented,
		Message: "Error Status : 400.User server return too long content-length value.", also: []string{"return too long content-length"},
		Text: Texts{
			EN: Text{
				"The endpoint's answer is too long",
				"OSS takes an answer of 1 MB at most. The function of this project answers 1 KiB at most, so something else answered.",
				"Do not upload again before it is mended.",
				"Answer a short JSON object. Some SDKs lose answers beyond 1.3 kB already. Check that callbackUrl leads to the function.",
			},
			ZH: Text{
				"回调服务器返回的内容过长",
				"OSS 最多接受 1 MB 的响应。本项目的函数最多返回 1 KiB，所以响应来自别处。",
				"修复之前不要重传。",
				"只返回简短的 JSON 对象：部分 SDK 在响应超过 1.3 KB 时就会丢失内容。确认 callbackUrl 指向函数。",
			},
		},
	},
	{
		ID: "cannot-connect", EC: []string{"0007-00000203"}, Cure: Wait, Stored: Yes, Sure: Documented, statuses: []int{-1},
		Message: "Error status : -1.OSS can not connect to your callbackUrl, please check it.", also: []string{"can not connect to your callbackUrl"},
		Text: Texts{
			EN: Text{
				"OSS could not connect to the callback URL",
				"No connection, or it broke before an answer came: host down, port or firewall closed, TLS failed. An https host that shares its address " +
					"with others needs the server name, which OSS sends only with callbackSNI.",
				"Upload again after a pause: it may pass. If it fails a few times, stop: it will not.",
				"Set callbackSNI to the JSON boolean true for https. Check from outside your network that host and port answer, and that firewalls let " +
					"OSS in: its addresses are not fixed.",
			},
			ZH: Text{
				"OSS 无法连接回调地址",
				"连接失败，或在收到响应前断开：主机不可用、端口或防火墙未开放、TLS 握手失败。多个 https 站点共用一个 IP 时需要 SNI，" +
					"而 OSS 只在设置了 callbackSNI 时才发送。",
				"稍等片刻再重新上传：可能是暂时故障。连续几次都失败就不要再试。",
				"https 回调地址请把 callbackSNI 设为 JSON 布尔值 true。从外网检查主机和端口是否可达，并确认防火墙放行 OSS：其来源 IP 不固定。",
			},
		},
	},
	{
		ID: "length-missing", EC: []string{"0007-00000203", "0007-00000204"}, Cure: Stop, Stored: Yes, Sure: Documented,
		Message: "Error Status : 400.User server missing content-length.", also: []string{"server missing content-length"},
		Text: Texts{
			EN: Text{
				"The endpoint's answer has no Content-Length",
				"OSS demands the header. Chunked answers, as frameworks and proxies make them, have none. The function always sends it, so a proxy took " +
					"it away or something else answered.",
				"Do not upload again before it is mended.",
				"Send Content-Length, and no Transfer-Encoding. Switch off compression and streaming on the callback's route.",
			},
			ZH: Text{
				"回调服务器的响应缺少 Content-Length",
				"OSS 要求必须有该响应头。框架或代理产生的分块（chunked）响应没有它。本项目的函数总会发送，所以是代理去掉了它，或响应来自别处。",
				"修复之前不要重传。",
				"发送 Content-Length，不要使用 Transfer-Encoding。在回调路由上关闭压缩和流式输出。",
			},
		},
	},
	{
		ID: "length-invalid", EC: []string{"0007-00000203", "0007-00000204"}, Cure: Stop, Stored: Yes, Sure: Documented,
		Message: "Error Status : 400.User server return invalid content-length value.", also: []string{"return invalid content-length"},
		Text: Texts{
			EN: Text{
				"The endpoint's Content-Length is not a positive number",
				"An empty answer (0), two values, or text. The function never answers without a body, so a proxy changed it or something else answered.",
				"Do not upload again before it is mended.",
				"Answer a JSON object, never an empty body, with exactly one Content-Length that is the body's length in bytes.",
			},
			ZH: Text{
				"回调服务器返回的 Content-Length 不是正整数",
				"响应为空（0）、有多个值，或不是数字。本项目的函数从不返回空正文，所以是代理改写了它，或响应来自别处。",
				"修复之前不要重传。",
				"返回 JSON 对象，不要返回空正文；Content-Length 只能有一个，且等于正文的字节数。",
			},
		},
	},
}
