package diagnose

// neighbours are refusals that are taken for failed callbacks. Where OSS refused, nothing is stored and nobody is called.
var neighbours = []Diagnosis{
	{
		ID: "signature-mismatch", Code: "SignatureDoesNotMatch", EC: []string{"0002-00000040"}, Cure: Stop, Stored: No, Sure: Documented,
		Message: "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
		Text: Texts{
			EN: Text{
				"OSS refused the uploader's own signature",
				"Wrong secret or region, or a header that was not signed: x-oss-callback and Content-Type have to be the same when signing and when sending.",
				"Do not upload again with the same signature.",
				"Compare StringToSign (or CanonicalRequest) in the answer with your own. Presigned URLs must be signed with the callback in them.",
			},
			ZH: Text{
				"OSS 拒绝了上传端自己的签名",
				"密钥或地域有误，或有请求头没有参与签名：x-oss-callback 和 Content-Type 在签名和发送时必须一致。",
				"不要用相同的签名重传。",
				"把响应中的 StringToSign（或 CanonicalRequest）与自己的对比。预签名 URL 在签名时就必须带上 callback。",
			},
		},
	},
	{
		ID: "access-key-unknown", Code: "InvalidAccessKeyId", EC: []string{"0002-00000902"}, Cure: Stop, Stored: No, Sure: Documented,
		Message: "The OSS Access Key Id you provided does not exist in our records.",
		Text: Texts{
			EN: Text{
				"OSS does not know the uploader's access key",
				"It is disabled or deleted, or a temporary one that came without its security token.",
				"Do not upload again with the same key.",
				"Pass the security token along with temporary keys; check the key in the RAM console.",
			},
			ZH: Text{
				"OSS 不认识上传端的 AccessKey",
				"AccessKey 已停用或删除，或者是临时凭证但没有带上安全令牌（Security Token）。",
				"不要用相同的 AccessKey 重传。",
				"使用临时凭证时要同时传入安全令牌；在 RAM 控制台检查该 AccessKey。",
			},
		},
	},
	{
		ID: "security-token-expired", Code: "SecurityTokenExpired", Message: "The security token you provided has expired.",
		also: []string{"InvalidSecurityToken", "The security token you provided is invalid"}, Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The uploader's temporary credentials are no longer valid",
				"The security token (STS) has expired, or belongs to another key. This is not the token in the callback's path.",
				"Get new credentials from your backend, then upload again.",
				"Renew credentials before they expire: long uploads need longer ones.",
			},
			ZH: Text{
				"上传端的临时凭证已失效",
				"安全令牌（STS）已过期，或与 AccessKey 不匹配。它与回调路径中的令牌不是一回事。",
				"向你的后端换取新凭证，再重新上传。",
				"在过期之前更新凭证：耗时长的上传需要更长的有效期。",
			},
		},
	},
	{
		ID: "wrong-endpoint", Message: "The bucket you are attempting to access must be addressed using the specified endpoint.", Cure: Stop, Stored: No, Sure: Documented,
		also: []string{"must be addressed using the specified endpoint"},
		Text: Texts{
			EN: Text{
				"The bucket is in another region",
				"The request went to the endpoint of a region in which the bucket is not.",
				"Do not upload again there.",
				"Take the endpoint and the region that the console shows for this bucket; the answer's Endpoint element names it too.",
			},
			ZH: Text{
				"Bucket 位于其他地域",
				"请求发往了 Bucket 所在地域以外的 Endpoint。",
				"不要再向该 Endpoint 重传。",
				"请使用控制台中该 Bucket 的 Endpoint 和地域；响应中的 Endpoint 元素也给出了正确的地址。",
			},
		},
	},
	{
		ID: "access-denied", Code: "AccessDenied", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The uploader may not write there",
				"A RAM or bucket policy denies oss:PutObject on this key, or the presigned URL has expired.",
				"Do not upload again with the same rights.",
				"Grant oss:PutObject on the prefix. With temporary credentials, the role and the session policy must both allow it.",
			},
			ZH: Text{
				"上传端没有写入权限",
				"RAM 策略或 Bucket Policy 拒绝了对该对象的 oss:PutObject，或预签名 URL 已过期。",
				"不要用相同的权限重传。",
				"授予该前缀的 oss:PutObject。使用临时凭证时，角色权限和会话策略必须都允许。",
			},
		},
	},
	{
		ID: "policy-condition-failed", Message: "Invalid according to Policy: Policy Condition failed", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"A form field does not meet the upload policy",
				"The condition that failed stands in the message. Usual ones: the key's prefix, the size, or a callback that is not the one the policy pins.",
				"Send the fields exactly as the backend handed them out.",
				"Mint policy and callback together, and let the page change neither.",
			},
			ZH: Text{
				"表单域不满足上传策略（Policy）",
				"消息中写明了未满足的条件。常见的是：对象名前缀、文件大小，或 callback 与 Policy 中固定的不一致。",
				"按后端给出的内容原样提交表单域。",
				"Policy 和 callback 要一起签发，前端不要修改。",
			},
		},
	},
	{
		ID: "policy-expired", Message: "Invalid according to Policy: Policy expired.", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The upload policy of the form has expired",
				"Its expiration has passed, or the backend's clock is wrong.",
				"Get a new policy from your backend, then upload again.",
				"Mint policies just before the upload.",
			},
			ZH: Text{
				"表单的上传策略（Policy）已过期",
				"已超过其中的 expiration，或后端的时钟不准。",
				"向你的后端换取新的 Policy，再重新上传。",
				"在上传前才签发 Policy。",
			},
		},
	},
	{
		ID: "policy-invalid", Code: "InvalidPolicyDocument", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The upload policy of the form is malformed",
				"It must be Base64 of a JSON object with expiration and at least one condition.",
				"Do not upload again before it is mended.",
				"Let a JSON library write the policy, or mint it with go run ./scripts params.",
			},
			ZH: Text{
				"表单的上传策略（Policy）格式错误",
				"它必须是 JSON 对象的 Base64 编码，含有 expiration 和至少一个条件。",
				"修正之前不要重传。",
				"用 JSON 库生成 Policy，或用 go run ./scripts params 签发。",
			},
		},
	},
	{
		ID: "no-such-bucket", Code: "NoSuchBucket", EC: []string{"0015-00000101"}, Message: "The specified bucket does not exist.",
		Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"There is no such bucket at this endpoint",
				"The name is misspelt, or the bucket was deleted.",
				"Do not upload again before it is mended.",
				"Check bucket and endpoint of the uploader.",
			},
			ZH: Text{
				"该 Endpoint 下没有这个 Bucket",
				"名称拼写错误，或 Bucket 已被删除。",
				"修正之前不要重传。",
				"检查上传端的 Bucket 和 Endpoint。",
			},
		},
	},
	{
		ID: "clock-skewed", Code: "RequestTimeTooSkewed", EC: []string{"0002-00000504"}, Cure: Stop, Stored: No, Sure: Documented,
		Message: "The difference between the request time and the current time is too large.",
		Text: Texts{
			EN: Text{
				"The uploader's clock is wrong",
				"The time in the signature is more than 15 minutes off OSS's, or the request lay about before it was sent.",
				"Set the clock, then upload again.",
				"Use network time; sign just before sending.",
			},
			ZH: Text{
				"上传端的时钟不准",
				"签名中的时间与 OSS 相差超过 15 分钟，或请求签名后过了很久才发出。",
				"校准时钟，再重新上传。",
				"使用网络对时；签名后立即发送。",
			},
		},
	},
	{
		ID: "entity-too-large", Code: "EntityTooLarge", Message: "Your proposed upload exceeds the maximum allowed size", Cure: Stop, Stored: No, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The file is larger than allowed",
				"More than content-length-range of the form's policy, or more than 5 GB in one request.",
				"Do not upload the same file again.",
				"Raise content-length-range in the policy; above 5 GB use a multipart upload.",
			},
			ZH: Text{
				"文件超过允许的大小",
				"超过了表单 Policy 中的 content-length-range，或单次请求超过 5 GB。",
				"不要重传同一个文件。",
				"调大 Policy 中的 content-length-range；超过 5 GB 请使用分片上传。",
			},
		},
	},
	{
		ID: "file-exists", Code: "FileAlreadyExists", Message: "The object you specified already exists and can not be overwritten.",
		Cure: Stop, Stored: Yes, Sure: Documented,
		Text: Texts{
			EN: Text{
				"The object is there already and may not be overwritten",
				"x-oss-forbid-overwrite is true. Mostly the first try stored the object and only its callback failed.",
				"If it is your own object from the first try, upload it again under a new key, so that its callback is sent.",
				"Use a new key for every try, or allow overwriting.",
			},
			ZH: Text{
				"对象已存在，且不允许覆盖",
				"x-oss-forbid-overwrite 为 true。多半是第一次上传已存储对象，只是回调失败。",
				"如果它就是你第一次上传的对象，请换一个对象名重新上传，以便再次触发回调。",
				"每次尝试使用新的对象名，或允许覆盖。",
			},
		},
	},
	{
		ID: "oss-internal-error", Code: "InternalError", Message: "We encountered an internal error. Please try again.",
		Cure: Wait, Stored: Unknown, Sure: Documented,
		Text: Texts{
			EN: Text{
				"OSS itself failed",
				"A passing fault in OSS. It says nothing of the callback.",
				"Upload again after a pause with jitter.",
				"Nothing, unless it stays: then ask Alibaba Cloud with the request id.",
			},
			ZH: Text{
				"OSS 自身出错",
				"OSS 的暂时故障，与回调无关。",
				"稍等片刻再重新上传（加随机延迟）。",
				"无需修改；如果持续出现，请凭 Request ID 联系阿里云。",
			},
		},
	},
	{
		ID: "cors-blocked", Message: "CORSResponse: This CORS request is not allowed.", Cure: Stop, Stored: Unknown, Sure: Documented, LogField: `"oss_request_id"`,
		also: []string{"CORSResponse: CORS is not enabled for this bucket.", "blocked by CORS policy", "Cross-Origin Request Blocked",
			"No 'Access-Control-Allow-Origin' header is present", "is not allowed by Access-Control-Allow-Origin", "due to access control checks"},
		Text: Texts{
			EN: Text{
				"The browser keeps OSS's answer from the page (CORS)",
				"The bucket has no CORS rule for the page's origin, method or headers. If the request before the upload (OPTIONS) was refused, nothing is " +
					"stored; if only the answer is hidden, the object may be stored and its callback may have failed.",
				"Do not upload again before the rule is there. Ask OSS for the object (HEAD) from elsewhere than the page.",
				"Give the bucket a CORS rule for the origin, with the methods and headers of the upload: go run ./scripts bucket shows and makes it.",
			},
			ZH: Text{
				"浏览器因跨域限制（CORS）没有把 OSS 的响应交给页面",
				"Bucket 没有适用于该页面来源、方法或请求头的跨域规则。如果是上传之前的 OPTIONS 请求被拒绝，则没有存储任何内容；" +
					"如果只是响应被隐藏，则对象可能已存储，回调也可能已失败。",
				"设置规则之前不要重传。可在页面之外用 HEAD 请求确认对象是否存在。",
				"为 Bucket 添加该来源的跨域规则，包含上传用到的方法和请求头：go run ./scripts bucket 可查看并添加。",
			},
		},
	},
}
