package diagnose

// Faults in the parameters of a callback are found before the upload: HTTP 400 InvalidArgument, nothing stored, nobody called.

// carriers are faults in how the callback parameter travels.
var carriers = []Diagnosis{
	{
		ID: "invalid-argument", Code: "InvalidArgument", general: true, Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"OSS refused a parameter of the request (400 InvalidArgument)",
				"ArgumentName in the answer says which one, ArgumentValue shows what arrived; Message, which is missing here or not one that is known, says " +
					"what is wrong with it. OSS stored nothing.",
				"Do not upload again with the same parameters. Diagnose the whole answer, if this is not all of it.",
				"Mint callback parameters with go run ./scripts params and compare.",
			},
			ZH: Text{
				"OSS 拒绝了请求中的某个参数（400 InvalidArgument）",
				"响应中的 ArgumentName 指出是哪一个，ArgumentValue 是实际收到的值；具体原因在 Message 中，而这份输入里没有 Message，或者其中的 Message " +
					"未能识别。OSS 没有存储任何内容。",
				"不要用相同的参数重传。如果这不是完整的响应，请用完整的响应再诊断一次。",
				"用 go run ./scripts params 生成回调参数进行对比。",
			},
		},
	},
	{
		ID: "callback-too-long", EC: []string{"0007-00000001"}, Message: "The length of callback exceed max value.", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The callback parameter is longer than 5 KB",
				"OSS takes 5 KB of Base64. Long callbackBody templates and lists of URLs are what makes it long.",
				"Do not upload again before it is shorter.",
				"Shorten callbackBody; put long values into your own database and only their key into the callback.",
			},
			ZH: Text{
				"callback 参数超过 5 KB",
				"OSS 接受的 Base64 最长 5 KB。通常是 callbackBody 模板或 URL 列表太长。",
				"缩短之前不要重传。",
				"缩短 callbackBody；把长内容存到自己的数据库，回调里只放它的键。",
			},
		},
	},
	{
		ID: "callback-not-base64", EC: []string{"0007-00000002"}, Message: "The callback configuration is not base64 encoded.",
		Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The callback parameter is not standard Base64",
				"Usual ones: URL-safe Base64 (- and _), line breaks, missing padding, plain JSON, or a + that became a space in a query.",
				"Do not upload again before it is mended.",
				"Encode with standard Base64 on one line; in a query percent-encode + / and =.",
			},
			ZH: Text{
				"callback 参数不是标准的 Base64",
				"常见原因：使用了 URL 安全的 Base64（- 和 _）、含有换行、缺少填充、直接传了 JSON，或查询串中的 + 变成了空格。",
				"修正之前不要重传。",
				"使用标准 Base64 编码，不要换行；放在查询串中时，+、/、= 要做百分号编码。",
			},
		},
	},
	{
		ID: "callback-not-json", EC: []string{"0007-00000003"}, Message: "The callback configuration is not json format.",
		Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The decoded callback parameter is not JSON",
				"Mostly quotes inside callbackBody that are not escaped, because the JSON was put together by hand.",
				"Do not upload again before it is mended.",
				"Let a JSON library write it. ArgumentValue of the answer shows what OSS decoded.",
			},
			ZH: Text{
				"callback 参数解码后不是 JSON",
				"多半是手工拼接 JSON，callbackBody 内部的引号没有转义。",
				"修正之前不要重传。",
				"用 JSON 库来生成。响应中的 ArgumentValue 就是 OSS 解码得到的内容。",
			},
		},
	},
	{
		ID: "both-carriers", EC: []string{"0007-00000027"}, Cure: Stop, Stored: No, Sure: Documented,
		Message: "Either the callback query string parameter or the x-oss-callback header should be specified, not both.",
		Text: Texts{
			EN: Text{
				"The callback parameter came twice: as a header and in the query",
				"OSS takes x-oss-callback or ?callback=, not both. A presigned URL that has it, used by a client that sets the header too, does this.",
				"Send it once and upload again.",
				"Decide for one place: the header, or the query of the presigned URL.",
			},
			ZH: Text{
				"callback 参数同时出现在请求头和查询串中",
				"OSS 只接受 x-oss-callback 请求头或 ?callback= 中的一个。常见于：预签名 URL 已带参数，客户端又设置了请求头。",
				"只保留一处，再重新上传。",
				"统一放在一个位置：请求头，或预签名 URL 的查询串。",
			},
		},
	},
	{
		ID: "both-var-carriers", EC: []string{"0007-00000028"}, Cure: Stop, Stored: No, Sure: Inferred,
		Message: "Either the callback-var query string parameter or the x-oss-callback-var header should be specified, not both.",
		Text: Texts{
			EN: Text{
				"The custom variables came twice: as a header and in the query",
				"OSS takes x-oss-callback-var or ?callback-var=, not both. The message is documented, the number is not.",
				"Send them once and upload again.",
				"Decide for one place: the header, or the query of the presigned URL.",
			},
			ZH: Text{
				"自定义变量同时出现在请求头和查询串中",
				"OSS 只接受 x-oss-callback-var 请求头或 ?callback-var= 中的一个。该消息有文档，编号没有公开。",
				"只保留一处，再重新上传。",
				"统一放在一个位置：请求头，或预签名 URL 的查询串。",
			},
		},
	},
	{
		ID: "callback-policy-missing", Code: "BucketCallbackPolicyNotExist", Cure: Stop, Stored: No, Sure: Field,
		Text: Texts{
			EN: Text{
				"The bucket has no callback policy of that name",
				"callbackPolicy in the callback parameter names a policy that is stored with the bucket, and there is none.",
				"Do not upload again before it is mended.",
				"Write callbackUrl and callbackBody into the parameter, or store the policy with the bucket.",
			},
			ZH: Text{
				"Bucket 中没有这个名称的回调策略",
				"callback 参数中的 callbackPolicy 引用了保存在 Bucket 上的回调策略，但该策略不存在。",
				"修正之前不要重传。",
				"在参数中直接写 callbackUrl 和 callbackBody，或先在 Bucket 上保存该策略。",
			},
		},
	},
	{
		ID: "download-callback-denied", EC: []string{"0007-00000209"}, Code: "RequestDeniedByCallback", Message: "Callback deny this request reason:",
		Cure: Stop, Stored: Unknown, Sure: Field,
		Text: Texts{
			EN: Text{
				"A download was denied, which is not about uploads",
				"The bucket belongs to Alibaba's drive service (PDS), which asks a callback of its own before each download.",
				"Nothing to upload again: this is about reading.",
				"Ask the owner of the drive for access, or for a fresh download link.",
			},
			ZH: Text{
				"下载被拒绝，与上传无关",
				"该 Bucket 属于阿里云网盘类服务（PDS），每次下载前都会经过它自己的回调鉴权。",
				"不涉及重传：这是读取操作的错误。",
				"向网盘的所有者申请权限，或重新获取下载链接。",
			},
		},
	},
}
