// Uploads to the local stack with ali-oss, in every way that makes a callback, and prints one JSON line per upload: what the client's
// user gets to see. Arguments: the line of `dev --json`, and the URLs to name as callbackUrl, "name=url".
import OSS from 'ali-oss'

const dev = JSON.parse(process.argv[2])
const urls = Object.fromEntries(process.argv.slice(3).map(arg => [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)]))

const client = new OSS({
  endpoint: dev.oss,
  region: `oss-${dev.region}`,
  accessKeyId: dev.accessKeyId,
  accessKeySecret: dev.accessKeySecret,
  bucket: dev.bucket,
  authorizationV4: true,
})

const callback = url => ({
  url,
  body: 'bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&x:user=${x:user}',
  contentType: 'application/x-www-form-urlencoded',
  callbackSNI: true,
  customValue: { user: 'ali-oss' },
})

// report prints what an upload came to. A form is not sent by ali-oss itself, so it has no error type there.
async function report(name, upload) {
  try {
    const { status, data } = await upload()
    console.log(JSON.stringify({ name, status, data }))
  } catch (error) {
    console.log(JSON.stringify({ name, error: error.name, code: error.code, status: error.status, message: error.message, ec: error.ecCode }))
  }
}

async function form(url) {
  const expires = new Date(Date.now() + 600_000)
  const json = { callbackUrl: url, callbackBody: callback(url).body, callbackBodyType: callback(url).contentType, callbackSNI: true }
  const encoded = Buffer.from(JSON.stringify(json)).toString('base64')
  const signed = client.calculatePostSignature({
    expiration: expires.toISOString(),
    conditions: [{ bucket: dev.bucket }, { callback: encoded }],
  })
  const data = new FormData()
  for (const [name, value] of Object.entries({
    key: 'form.txt', policy: signed.policy, OSSAccessKeyId: signed.OSSAccessKeyId, Signature: signed.Signature,
    callback: encoded, 'x:user': 'ali-oss', success_action_status: '200',
  })) data.append(name, value)
  data.append('file', new Blob(['form']), 'form.txt')
  const response = await fetch(`${dev.oss}/${dev.bucket}/`, { method: 'POST', body: data })
  return { status: response.status, data: await response.json() }
}

const body = Buffer.from('text')
await report('put', () => client.put('put.txt', body, { callback: callback(urls.good) }).then(({ res, data }) => ({ status: res.status, data })))
await report('multipart', () => client.multipartUpload('multipart.bin', Buffer.alloc(300 * 1024), { partSize: 102400, callback: callback(urls.good) })
  .then(({ res, data }) => ({ status: res.status, data })))
await report('post', () => form(urls.good))
for (const [name, url] of Object.entries(urls)) {
  if (name === 'good') continue
  await report(`put ${name}`, () => client.put('bad.txt', body, { callback: callback(url) }))
  await report(`multipart ${name}`, () => client.multipartUpload('bad.bin', Buffer.alloc(300 * 1024), { partSize: 102400, callback: callback(url) }))
}
