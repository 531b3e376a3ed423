package diagnose

import "slices"

// own are the codes that our function answers and logs, in the order of its own table. The object is stored whenever OSS calls.
var own = slices.Concat(refused, unavailable)

// refused are the answers 4xx.
var refused = []Diagnosis{
	{
		ID: "method-not-allowed", Code: "method_not_allowed", own: true, Cure: Stop, Stored: Unknown, Sure: Documented, LogField: `"code":"method_not_allowed"`,
		Text: Texts{
			EN: Text{
				"Our function takes POST only",
				"OSS always sends POST, so this was a browser, a probe, or something that turns POST into GET.",
				"Nothing, if no upload was behind it.",
				"If it was an upload: call the function directly, without a redirect on the way.",
			},
			ZH: Text{
				"函数只接受 POST",
				"OSS 总是发送 POST，所以这是浏览器、探测请求，或途中把 POST 变成了 GET。",
				"如果与上传无关，则无需处理。",
				"如果确实是上传：让 OSS 直接访问函数，途中不要有重定向。",
			},
		},
	},
	{
		ID: "body-too-large", Code: "body_too_large", own: true, Cure: Stop, Stored: Yes, Sure: Documented, LogField: `"code":"body_too_large"`,
		Text: Texts{
			EN: Text{
				"The callback's body is longer than 64 KiB",
				"This is the text made from callbackBody and the variables, not the file.",
				"Do not upload again before callbackBody is shorter.",
				"Shorten callbackBody and the custom variables.",
			},
			ZH: Text{
				"回调请求体超过 64 KiB",
				"这里指由 callbackBody 和变量生成的内容，不是上传的文件。",
				"缩短 callbackBody 之前不要重传。",
				"缩短 callbackBody 和自定义变量。",
			},
		},
	},
	{
		ID: "malformed-callback", Code: "malformed_callback", own: true, Cure: Stop, Stored: Yes, Sure: Documented, LogField: `"code":"malformed_callback"`,
		also: []string{"callbackBody is no JSON at offset"},
		Text: Texts{
			EN: Text{
				"The callback's body is no valid form or JSON, or lacks bucket or object",
				"OSS sends what the template makes, valid or not. In JSON templates it adds the quotes of strings itself, and an image number of " +
					"something that is no image is nothing at all.",
				"Do not upload again before callbackBody is mended.",
				"The log's cause has the position of the fault. Write \"object\":${object} without quotes of your own, or use a form.",
			},
			ZH: Text{
				"回调请求体不是合法的表单或 JSON，或缺少 bucket、object",
				"无论是否合法，OSS 都会按模板原样发送。JSON 模板中字符串的引号由 OSS 添加；如果文件不是图片，图片尺寸会替换为空。",
				"修正 callbackBody 之前不要重传。",
				"日志中的 cause 指出了出错位置。写成 \"object\":${object}，不要自己加引号；或改用表单格式。",
			},
		},
	},
	{
		ID: "unsigned", Code: "unsigned", own: true, Cure: Stop, Stored: Unknown, Sure: Documented, LogField: `"code":"unsigned"`,
		Text: Texts{
			EN: Text{
				"The request has no signature of OSS",
				"Somebody else called, or a proxy or gateway took Authorization or x-oss-pub-key-url away.",
				"If it was an upload, do not repeat it before the headers arrive.",
				"Make the HTTP trigger anonymous, and let proxies pass all headers on.",
			},
			ZH: Text{
				"请求没有 OSS 的签名",
				"调用者不是 OSS，或者代理、网关去掉了 Authorization 或 x-oss-pub-key-url。",
				"如果确实是上传，在请求头能够到达之前不要重传。",
				"把 HTTP 触发器设为匿名访问，并让代理透传所有请求头。",
			},
		},
	},
	{
		ID: "untrusted-key-url", Code: "untrusted_key_url", own: true, Cure: Stop, Stored: Unknown, Sure: Documented, LogField: `"code":"untrusted_key_url"`,
		Text: Texts{
			EN: Text{
				"The request names a public key that is not OSS's",
				"x-oss-pub-key-url must lead to gosspublic.alicdn.com. Anything else is a forgery, a simulator, or a private cloud.",
				"Nothing: no upload of yours does this.",
				"For a private cloud or a simulator set OSS_CALLBACK_PUBLIC_KEY.",
			},
			ZH: Text{
				"请求中的公钥地址不是 OSS 的",
				"x-oss-pub-key-url 必须指向 gosspublic.alicdn.com。其他地址都是伪造、模拟器，或专有云。",
				"无需处理：正常的上传不会出现这种情况。",
				"如果使用专有云或模拟器，请设置 OSS_CALLBACK_PUBLIC_KEY。",
			},
		},
	},
	{
		ID: "bad-signature", Code: "bad_signature", own: true, Cure: Stop, Stored: Unknown, Sure: Documented, LogField: `"code":"bad_signature"`,
		Text: Texts{
			EN: Text{
				"The signature does not fit the request",
				"Path, query or body were altered on the way (a rewrite rule, a re-encoded body), or the request is forged.",
				"Do not upload again before it is mended.",
				"Capture one request at the function and run go run ./scripts explain on it. Take rewrite rules off the callback's route.",
			},
			ZH: Text{
				"签名与请求不符",
				"路径、查询串或请求体在途中被改动（重写规则、重新编码），或请求是伪造的。",
				"修复之前不要重传。",
				"在函数处抓取一个请求，用 go run ./scripts explain 分析。去掉回调路由上的重写规则。",
			},
		},
	},
	{
		ID: "unsupported-signature-version", Code: "unsupported_signature_version", own: true, Cure: Stop, Stored: Yes, Sure: Documented,
		LogField: `"code":"unsupported_signature_version"`,
		Text: Texts{
			EN: Text{
				"The callback is signed in a version that the function does not know",
				"signatureVersion is set in the callback parameter. Only 1.0 is public.",
				"Do not upload again before it is mended.",
				"Leave signatureVersion out.",
			},
			ZH: Text{
				"回调使用了函数不支持的签名版本",
				"callback 参数中设置了 signatureVersion。公开的版本只有 1.0。",
				"修正之前不要重传。",
				"去掉 signatureVersion。",
			},
		},
	},
	{
		ID: "query-not-recoverable", Code: "query_not_recoverable", own: true, Cure: Stop, Stored: Yes, Sure: Documented,
		LogField: `"code":"query_not_recoverable"`,
		Text: Texts{
			EN: Text{
				"callbackUrl has more than four query parameters",
				"OSS signs the raw query, the go1 runtime hands over a map only, and the function rebuilds up to four parameters.",
				"Do not upload again before callbackUrl is changed.",
				"Put the values into the path or into custom variables, or deploy the web variant.",
			},
			ZH: Text{
				"callbackUrl 的查询参数超过四个",
				"OSS 对原始查询串签名，而 go1 运行时只提供 map；函数最多能还原四个参数。",
				"修改 callbackUrl 之前不要重传。",
				"把内容放到路径或自定义变量中，或改用 Web 函数部署。",
			},
		},
	},
	{
		ID: "bad-token", Code: "bad_token", own: true, Cure: Stop, Stored: Yes, Sure: Documented, LogField: `"code":"bad_token"`,
		Text: Texts{
			EN: Text{
				"The token in the callback's path does not fit",
				"It is missing, made with another secret, or for another bucket or key prefix.",
				"Ask your backend for a token for this object, then upload again.",
				"Use the same CALLBACK_TOKEN_SECRET in backend and function (new,old while you rotate it); the path must end in the token.",
			},
			ZH: Text{
				"回调路径中的令牌无效",
				"缺少令牌、用了别的密钥生成，或令牌属于其他 Bucket 或前缀。",
				"向你的后端申请该对象的令牌，再重新上传。",
				"后端与函数使用相同的 CALLBACK_TOKEN_SECRET（轮换期间写成 new,old）；路径必须以令牌结尾。",
			},
		},
	},
	{
		ID: "token-expired", Code: "token_expired", own: true, Cure: Stop, Stored: Yes, Sure: Documented, LogField: `"code":"token_expired"`,
		Text: Texts{
			EN: Text{
				"The token in the callback's path has expired",
				"The upload took longer than the token lived, or the page was open for long.",
				"Ask your backend for a new token, then upload again.",
				"Mint tokens just before the upload, and let them live longer than the slowest one.",
			},
			ZH: Text{
				"回调路径中的令牌已过期",
				"上传时间超过了令牌的有效期，或页面打开得太久。",
				"向你的后端换取新令牌，再重新上传。",
				"在上传前才签发令牌，有效期要长于最慢的上传。",
			},
		},
	},
	{
		ID: "bucket-not-allowed", Code: "bucket_not_allowed", own: true, Cure: Stop, Stored: Yes, Sure: Documented, LogField: `"code":"bucket_not_allowed"`,
		Text: Texts{
			EN: Text{
				"The bucket is not in ALLOWED_BUCKETS, or the key is one of our own",
				"Objects under thumbs/ and the outbox are written by this project; their callbacks are refused so that nothing loops.",
				"Upload to an allowed bucket and under another prefix.",
				"Add the bucket to ALLOWED_BUCKETS of the function and of the worker. The log's cause says which of the two it is.",
			},
			ZH: Text{
				"Bucket 不在 ALLOWED_BUCKETS 中，或对象名属于本项目自用的前缀",
				"thumbs/ 和发件箱前缀下的对象由本项目写入，它们的回调会被拒绝，以免循环。",
				"上传到允许的 Bucket，并使用其他前缀。",
				"把该 Bucket 加入函数和 worker 的 ALLOWED_BUCKETS。日志中的 cause 会说明是哪一种情况。",
			},
		},
	},
	{
		ID: "object-gone", Code: "object_gone", own: true, Cure: Again, Stored: Yes, Sure: Documented, LogField: `"code":"object_gone"`,
		Text: Texts{
			EN: Text{
				"The object is gone since its upload",
				"OSS stored it, but the function asked for it several times and did not find it: something deleted it since. A wrong OSS_ENDPOINT may " +
					"look the same.",
				"Upload again.",
				"Look for lifecycle rules and other programs that delete it. If it happens to every upload, check OSS_ENDPOINT and OSS_REGION.",
			},
			ZH: Text{
				"对象上传后已被删除",
				"OSS 存储了对象，但函数查询了几次都没有找到：它在上传之后被删除了。OSS_ENDPOINT 配错也会有同样的现象。",
				"重新上传。",
				"检查删除该对象的生命周期规则或其他程序。如果每次上传都这样，请检查 OSS_ENDPOINT 和 OSS_REGION。",
			},
		},
	},
	{
		ID: "object-changed", Code: "object_changed", own: true, Cure: Stop, Stored: Yes, Sure: Documented, LogField: `"code":"object_changed"`,
		Text: Texts{
			EN: Text{
				"The object was overwritten before the function looked at it",
				"Its size is not the one in the callback. The newer upload has its own callback.",
				"Do nothing: uploading the older file again would overwrite the newer one.",
				"Use a new key per upload, or forbid overwriting, if uploads of one key race.",
			},
			ZH: Text{
				"函数查询之前对象已被覆盖",
				"对象大小与回调中的不一致。更新的那次上传有它自己的回调。",
				"无需处理：重传旧文件会覆盖新文件。",
				"如果会并发上传同名对象，请每次使用新的对象名，或禁止覆盖。",
			},
		},
	},
	{
		ID: "not-an-image", Code: "not_an_image", own: true, Cure: Stop, Stored: Yes, Sure: Documented, LogField: `"code":"not_an_image"`,
		Text: Texts{
			EN: Text{
				"The file is no image that OSS can read",
				"REQUIRE_IMAGE is true, and OSS calls the object no image, a broken one, or one that is too large.",
				"Do not upload the same file again: choose another one.",
				"Check files before the upload, or unset REQUIRE_IMAGE.",
			},
			ZH: Text{
				"文件不是 OSS 能识别的图片",
				"REQUIRE_IMAGE 为 true，而 OSS 认为该对象不是图片、已损坏或过大。",
				"不要重传同一个文件：请换一个。",
				"上传前先检查文件，或取消 REQUIRE_IMAGE。",
			},
		},
	},
}
