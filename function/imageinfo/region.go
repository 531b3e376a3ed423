package imageinfo

import "regexp"

var ossHost = regexp.MustCompile(`^(?:https?://)?oss-([a-z]{2}-[a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com/?$`)

// RegionOf is the region in an endpoint's name, such as cn-hangzhou in https://oss-cn-hangzhou-internal.aliyuncs.com; empty if
// the name does not tell.
func RegionOf(endpoint string) string {
	if m := ossHost.FindStringSubmatch(endpoint); m != nil {
		return m[1]
	}
	return ""
}
