package diagnose

import "slices"

// statuses are what an endpoint answered instead of 200. The last one is the EC alone.
var statuses = slices.Concat(refusals, failures)

var failures = []Diagnosis{
	{
		ID: "status-500", EC: []string{errorStatus}, Message: "Error status : 500.", Cure: Wait, Stored: Yes, Sure: Documented,
		LogField: `"status":500`, statuses: []int{500},
		Text: Texts{
			EN: Text{
				"The endpoint failed (500)",
				"Ours: internal: a bug; the log line has the stack. Others: an exception, which may depend on this callback or on the moment.",
				"Upload again after a pause, two or three times at most: it may have been the moment. If it stays, stop.",
				"Read the stack in the log and mend the bug.",
			},
			ZH: Text{
				"回调服务器内部错误（500）",
				"本项目的函数：internal，即程序缺陷，日志中有堆栈。其他服务器：发生异常，可能与这次回调有关，也可能只是一时故障。",
				"稍等片刻再重新上传，最多两三次：可能只是一时故障。如果仍然失败，就不要再试。",
				"根据日志中的堆栈修复缺陷。",
			},
		},
	},
	{
		ID: "status-502", EC: []string{errorStatus}, Message: "Error status : 502.", Cure: Wait, Stored: Yes, Sure: Field,
		statuses: []int{502, 520, 521, 523, 525, 526, 527, 530},
		Text: Texts{
			EN: Text{
				"The gateway in front of the endpoint got no usable answer (502)",
				"Function Compute could not run the function, or it crashed; a proxy or CDN cannot reach its server; or an https host got no server " +
					"name, because callbackSNI is not set.",
				"Upload again after a pause: it may pass. If every upload fails, it is the server name or the deployment: stop.",
				"Set callbackSNI to the JSON boolean true for https. Look at the function's own log and at its deployment.",
			},
			ZH: Text{
				"回调服务器前面的网关没有得到有效响应（502）",
				"函数计算无法运行函数，或函数崩溃；代理或 CDN 无法访问后端；或者没有设置 callbackSNI，https 站点没有收到 SNI。",
				"稍等片刻再重新上传：可能是暂时故障。如果每次都失败，则是 SNI 或部署的问题，不要再试。",
				"https 回调地址请把 callbackSNI 设为 JSON 布尔值 true。检查函数自身的日志和部署。",
			},
		},
	},
	{
		ID: "status-503", EC: []string{errorStatus}, Message: "Error status : 503.", Cure: Wait, Stored: Yes, Sure: Documented,
		LogField: `"status":503`, statuses: []int{503},
		Text: Texts{
			EN: Text{
				"The endpoint cannot work at the moment (503)",
				"Ours: queue_unavailable (no nsqd and no outbox confirmed the job), deadline_exceeded, key_unavailable, or misconfigured. Others, and Function Compute: overload.",
				"Upload again after a pause with jitter. The job may be queued all the same; that is harmless when callbackBody has ${etag}: the same " +
					"file under the same key has the same job id then.",
				"The log's code and cause name what is down; misconfigured stays until the setting that it names is mended.",
			},
			ZH: Text{
				"回调服务器暂时不可用（503）",
				"本项目的函数：queue_unavailable（nsqd 和发件箱都没有确认收到任务）、deadline_exceeded、key_unavailable 或 misconfigured。其他服务器或函数计算：过载。",
				"稍等片刻再重新上传（加随机延迟）。任务仍有可能已经入队；只要 callbackBody 中有 ${etag}，同名且内容相同的文件任务 ID 也相同，" +
					"重传不会造成重复处理。",
				"日志中的 code 和 cause 会指出故障所在；misconfigured 在修正其指出的配置之前会一直出现。",
			},
		},
	},
	{
		ID: "status-504", EC: []string{errorStatus}, Message: "Error status : 504.", Cure: Wait, Stored: Yes, Sure: Documented, statuses: []int{504, 522, 524},
		Text: Texts{
			EN: Text{
				"A gateway waited too long for the endpoint (504)",
				"A proxy or CDN in front of the endpoint gave up before OSS did. The function of this project never answers so.",
				"Upload again after a pause. The work may have been done all the same.",
				"Find out why the endpoint is slow or unreachable behind its proxy; heavy work belongs to the worker.",
			},
			ZH: Text{
				"网关等待回调服务器超时（504）",
				"回调服务器前面的代理或 CDN 先于 OSS 超时。本项目的函数不会返回 504。",
				"稍等片刻再重新上传。处理可能已经完成。",
				"查明代理后面的服务为何慢或不可达；耗时工作应放到 worker。",
			},
		},
	},
	{
		ID: "status-other", EC: []string{errorStatus}, Cure: Stop, Stored: Yes, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The endpoint did not answer 200",
				"The number behind \"Error status :\" in the message is what it answered; -1 means that OSS could not connect. " +
					"Our function answers 400, 401, 403, 404, 405, 409, 413, 422, 500 and 503 only.",
				"Do not upload again before you know why. Diagnose the whole message, if you have only the EC.",
				"Send a POST to the callback URL yourself and look who answers.",
			},
			ZH: Text{
				"回调服务器返回的不是 200",
				"消息中 \"Error status :\" 后面的数字就是它返回的状态码；-1 表示 OSS 无法连接。" +
					"本项目的函数只会返回 400、401、403、404、405、409、413、422、500 和 503。",
				"查明原因之前不要重传。如果只有 EC，请用完整的消息再诊断一次。",
				"自己向回调地址发一个 POST 请求，看看是谁在响应。",
			},
		},
	},
}
