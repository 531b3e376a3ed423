package diagnose

// unavailable are the answers 503 and 500 of our function, and its good one.
var unavailable = []Diagnosis{
	{
		ID: "key-unavailable", Code: "key_unavailable", own: true, Cure: Wait, Stored: Yes, Sure: Documented, LogField: `"code":"key_unavailable"`,
		Text: Texts{
			EN: Text{
				"The function could not fetch OSS's public key",
				"OSS named a key file that is not built in, and the function cannot reach gosspublic.alicdn.com.",
				"Upload again after a pause.",
				"Give the function internet access, or set OSS_CALLBACK_PUBLIC_KEY to the new key.",
			},
			ZH: Text{
				"函数无法获取 OSS 的公钥",
				"OSS 使用了未内置的公钥文件，而函数无法访问 gosspublic.alicdn.com。",
				"稍等片刻再重新上传。",
				"为函数开通公网访问，或把新公钥设到 OSS_CALLBACK_PUBLIC_KEY。",
			},
		},
	},
	{
		ID: "queue-unavailable", Code: "queue_unavailable", own: true, Cure: Wait, Stored: Yes, Sure: Documented, LogField: `"code":"queue_unavailable"`,
		Text: Texts{
			EN: Text{
				"No nsqd confirmed the job, nor did the outbox",
				"Every nsqd in NSQD_ADDRS is down, out of reach or did not answer, and the outbox is off or could not be written. A job whose " +
					"confirmation was lost may be queued all the same.",
				"Upload again after a pause. That is harmless when callbackBody has ${etag}: the same file under the same key has the same job id then.",
				"The log's cause names each nsqd. Check them, the function's VPC, and oss:PutObject on the outbox prefix.",
			},
			ZH: Text{
				"没有 nsqd 确认收到任务，也没有写入发件箱",
				"NSQD_ADDRS 中的 nsqd 全部宕机、不可达或没有应答，而发件箱已关闭或写入失败。如果只是确认丢失，任务仍有可能已经入队。",
				"稍等片刻再重新上传。只要 callbackBody 中有 ${etag}，同名且内容相同的文件任务 ID 也相同，重传不会造成重复处理。",
				"日志中的 cause 列出了每个 nsqd。检查它们、函数的 VPC，以及发件箱前缀的 oss:PutObject 权限。",
			},
		},
	},
	{
		ID: "deadline-exceeded", Code: "deadline_exceeded", own: true, Cure: Wait, Stored: Yes, Sure: Documented, LogField: `"code":"deadline_exceeded"`,
		Text: Texts{
			EN: Text{
				"The function ran out of time",
				"CALLBACK_BUDGET was used up: a slow cold start, OSS or nsqd did not answer, or OSS hung up. The job may be queued all the same.",
				"Upload again after a pause. That is harmless when callbackBody has ${etag}: the same file under the same key has the same job id then.",
				"The milliseconds per stage in the log say where the time went; before_ms is gateway and cold start.",
			},
			ZH: Text{
				"函数超时",
				"CALLBACK_BUDGET 已用尽：冷启动慢、OSS 或 nsqd 没有响应，或 OSS 已断开连接。任务仍有可能已经入队。",
				"稍等片刻再重新上传。只要 callbackBody 中有 ${etag}，同名且内容相同的文件任务 ID 也相同，重传不会造成重复处理。",
				"日志中各阶段的毫秒数说明时间花在哪里；before_ms 是网关与冷启动。",
			},
		},
	},
	{
		ID: "misconfigured", Code: "misconfigured", own: true, Cure: Wait, Stored: Yes, Sure: Documented, LogField: `misconfigured`,
		also: []string{"misconfigured: every callback will be refused"},
		Text: Texts{
			EN: Text{
				"A setting of the function is wrong, so it refuses every callback",
				"The function starts all the same, because one that does not start may look like success to OSS.",
				"Upload again when the operator has mended it; until then every upload ends so.",
				"The line that the function logs at its start names the setting in its cause. Mend it and deploy again.",
			},
			ZH: Text{
				"函数的某项配置有误，因此拒绝所有回调",
				"函数仍会启动，因为启动失败的函数在 OSS 看来可能是成功。",
				"等运维修正后再重新上传；在此之前每次上传都会这样。",
				"函数启动时会写一条日志，其中的 cause 指出是哪项配置。修正后重新部署。",
			},
		},
	},
	{
		ID: "internal", Code: "internal", own: true, general: true, Cure: Wait, Stored: Yes, Sure: Documented, LogField: `"code":"internal"`,
		Text: Texts{
			EN: Text{
				"A bug in the function",
				"Something panicked or failed in a way that nobody foresaw. The log line has the stack.",
				"Upload again after a pause, two or three times at most. If it stays, stop.",
				"Mend what the stack in the log's cause shows.",
			},
			ZH: Text{
				"函数内部缺陷",
				"发生了 panic 或未预料到的错误，日志中有堆栈。",
				"稍等片刻再重新上传，最多两三次。如果仍然失败，就不要再试。",
				"根据日志 cause 中的堆栈修复缺陷。",
			},
		},
	},
	{
		ID: "queued", Code: "queued", own: true, Cure: None, Stored: Yes, Sure: Documented, LogField: `"outcome":"queued"`,
		Text: Texts{
			EN: Text{
				"All is well: the job is queued",
				"image may be null: image_info_pending means that OSS could not be asked in time and the worker looks again, not_an_image that it is none.",
				"Nothing.",
				"If image_info_pending comes often, the log's cause says why: time, or a missing right.",
			},
			ZH: Text{
				"一切正常：任务已入队",
				"image 可能为 null：image_info_pending 表示没能及时向 OSS 查询，worker 会再查；not_an_image 表示不是图片。",
				"无需处理。",
				"如果经常出现 image_info_pending，日志中的 cause 会说明原因：超时，或缺少权限。",
			},
		},
	},
}
