package diagnose

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// Every number of OSS's family 0007, and what it means by itself.
var numbers = map[string]string{
	"0001": "callback-too-long", "0002": "callback-not-base64", "0003": "callback-not-json", "0004": "url-invalid", "0005": "too-many-urls",
	"0006": "unknown-ec-00xx", "0007": "url-unresolvable", "0008": "private-address", "0009": "host-invalid", "0010": "body-invalid",
	"0011": "body-empty", "0012": "body-type-invalid", "0013": "body-type-unsupported", "0014": "sni-invalid", "0015": "stage-invalid",
	"0016": "stage-invalid", "0017": "failure-action-invalid", "0018": "signature-version-invalid", "0019": "signature-version-invalid",
	"0020": "signature-version-invalid", "0021": "headers-not-map", "0022": "headers-too-many", "0023": "headers-name-empty",
	"0024": "headers-name-invalid", "0025": "headers-value-invalid", "0026": "headers-name-reserved", "0027": "both-carriers",
	"0028": "both-var-carriers", "0029": "unknown-ec-00xx",
	"0101": "var-too-long", "0102": "var-not-base64", "0103": "var-not-json", "0104": "var-not-flat", "0105": "placeholder-syntax",
	"0106": "unknown-ec-01xx",
	"0201": "too-many-callbacks", "0202": "cost-too-long", "0203": "status-other", "0204": "unknown-ec-02xx", "0205": "invalid-json",
	"0206": "unknown-ec-02xx", "0207": "unknown-ec-02xx", "0208": "unknown-ec-02xx", "0209": "download-callback-denied", "0210": "unknown-ec-02xx",
	"0301": "image-info-failed", "0302": "image-info-failed", "0303": "image-info-failed", "0304": "unknown-ec-03xx",
	"0401": "unknown-ec-other",
}

func TestEveryNumber(t *testing.T) {
	for number, want := range numbers {
		for _, input := range []string{number, "0007-0000" + number, "x-oss-ec: 0007-0000" + number, "<EC>0007-0000" + number + "</EC>",
			"https://api.aliyun.com/troubleshoot?q=0007-0000" + number} {
			if got, ok := Find(Read(input)); !ok || got.ID != want {
				t.Errorf("%q: %q, want %q", input, got.ID, want)
			}
		}
	}
	for _, d := range All() {
		for _, ec := range d.EC {
			if number, ours := strings.CutPrefix(ec, "0007-0000"); ours && numbers[number] == "" {
				t.Errorf("%s: %s is not in the table of this test", d.ID, ec)
			}
		}
	}
}

func TestEveryDiagnosis(t *testing.T) {
	idRE := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, d := range All() {
		if !idRE.MatchString(d.ID) || seen[d.ID] {
			t.Errorf("%q is no slug, or not the only one", d.ID)
		}
		seen[d.ID] = true
		if d.Sure != Documented && d.Sure != Field && d.Sure != Inferred {
			t.Errorf("%s: how sure is %q", d.ID, d.Sure)
		}
		for _, lang := range []Lang{EN, ZH} {
			text := d.Text.In(lang)
			for _, part := range []string{text.Title, text.Cause, text.Now, text.Change} {
				chinese := strings.ContainsFunc(part, func(r rune) bool { return unicode.Is(unicode.Han, r) })
				if part == "" || chinese != (lang == ZH) || strings.Contains(part, "  ") {
					t.Errorf("%s in %s: %q", d.ID, lang, part)
				}
				if ended := strings.HasSuffix(part, ".") || strings.HasSuffix(part, "。"); ended == (part == text.Title) {
					t.Errorf("%s in %s: sentences end with a full stop, titles do not: %q", d.ID, lang, part)
				}
			}
		}
		for _, ec := range d.EC { // by family: request-time, or HTTP 203
			number, ours := strings.CutPrefix(ec, "0007-0000")
			if want := map[bool]Stored{true: No, false: Yes}[number < "0200"]; ours && number != "0209" && d.Stored != want {
				t.Errorf("%s: %s, but the object is stored: %s", d.ID, ec, d.Stored)
			}
		}
		if d.Stored == No && d.LogField != "" && !d.own {
			t.Errorf("%s: nothing is stored, so our function was not called and has no line for it", d.ID)
		}
	}
	for _, id := range []string{"image-info-failed", "too-many-callbacks", "cost-too-long", "invalid-json", "length-too-long", "cannot-connect",
		"length-missing", "length-invalid", "status-redirect", "status-2xx", "status-400", "status-401", "status-403", "status-404", "status-405",
		"status-409", "status-413", "status-422", "status-429", "status-500", "status-502", "status-503", "status-504", "status-other"} {
		if !seen[id] {
			t.Errorf("there is no %q, which others name", id)
		}
	}
}

// Each diagnosis is found from its own words, in OSS's XML and bare, with and without its number, and from its own code.
func TestFindItself(t *testing.T) {
	for _, d := range All() {
		for _, words := range append([]string{d.Message}, d.also...) {
			if words == "" || d.ID == "var-not-flat" { // which shares its words: see TestSharedWords
				continue
			}
			check(t, words, d.ID)
			check(t, strings.ToUpper(words), d.ID)
			check(t, "  "+strings.ReplaceAll(words, " ", "\n\t")+" ", d.ID)
			for _, ec := range append([]string{""}, d.EC...) {
				check(t, xmlBody("CallbackFailed", words, ec), d.ID)
			}
		}
		if d.Code != "" {
			check(t, d.Code, d.ID)
			check(t, "<Error><Code>"+d.Code+"</Code></Error>", d.ID)
		}
		for _, status := range d.statuses {
			check(t, "Error status : "+signed(status)+".", d.ID)
		}
	}
}

func check(t *testing.T, input, want string) {
	t.Helper()
	if got, ok := Find(Read(input)); !ok || got.ID != want {
		t.Errorf("%q is %q, want %q", input, got.ID, want)
	}
}

func xmlBody(code, message, ec string) string {
	body := "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>" + code + "</Code>\n  <Message>" + message + "</Message>\n" +
		"  <RequestId>5CF3E782AB0C1D2E3F405162</RequestId>\n  <HostId>photos.oss-cn-hangzhou.aliyuncs.com</HostId>\n"
	if ec != "" {
		body += "  <EC>" + ec + "</EC>\n  <RecommendDoc>https://api.aliyun.com/troubleshoot?q=" + ec + "</RecommendDoc>\n"
	}
	return body + "</Error>\n"
}

func signed(status int) string {
	if status < 0 {
		return "-1"
	}
	return string([]byte{byte('0' + status/100), byte('0' + status/10%10), byte('0' + status%10)})
}

func TestSharedWords(t *testing.T) {
	const words = "The callback var is not expecten json."
	check(t, words, "var-not-json")
	check(t, xmlBody("InvalidArgument", words, "0007-00000103"), "var-not-json")
	check(t, xmlBody("InvalidArgument", words, "0007-00000104"), "var-not-flat")
	check(t, "after a reply timeout: Invalid according to Policy: Policy expired.", "policy-expired") // the longer one
}

func TestStatuses(t *testing.T) {
	for message, want := range map[string]string{
		"Error status : 404.": "status-404",
		"Error Status : 404.": "status-404",
		"error status:404":    "status-404",
		"Errorstatus：502.":    "status-502",
		"Error status : -1.":  "cannot-connect",
		"Error status : 201.": "status-2xx",
		"Error status : 226.": "status-2xx",
		"Error status : 304.": "status-redirect",
		"Error status : -5.":  "status-other",
		"Error status : 418.": "status-other",
		"Error status : 520.": "status-502",
		"Error status : 524.": "status-504",
		"Error status : 400.": "status-400",
		"Error Status : 400.User server missing content-length.":                       "length-missing",
		"Error Status : 400.User server return invalid conent-length value.":           "length-invalid",
		"Error Status : 400.User server return too long content-length value.":         "length-too-long",
		"Error Status : 400.User server return too long conent-length value.":          "length-too-long",
		"Errorstatus：-1.osScannotconnect to your callbackUrl, please check it.":        "cannot-connect",
		"203.0.113.7:80 reply timeout, cost:5000ms, timeout:5000ms (err -4, errno115)": "cost-too-long",
	} {
		check(t, message, want)
		check(t, xmlBody("CallbackFailed", message, "0007-00000203"), want)
	}
}

// The message counts: OSS may change its numbers.
func TestMessageOutweighsEC(t *testing.T) {
	e := Read(xmlBody("CallbackFailed", "Cost too long time.", "0007-00000205"))
	d, ok := Find(e)
	other, differs := Contradiction(e, d)
	if !ok || d.ID != "cost-too-long" || !differs || other.ID != "invalid-json" {
		t.Errorf("%q, and by the number %v %q", d.ID, differs, other.ID)
	}
	for _, agree := range []string{
		xmlBody("CallbackFailed", "Cost too long time.", "0007-00000202"),
		xmlBody("CallbackFailed", "Error status : 404.", "0007-00000203"),
		xmlBody("CallbackFailed", "Error Status : 400.User server missing content-length.", "0007-00000203"),
		xmlBody("CallbackFailed", "Error Status : 400.User server missing content-length.", "0007-00000204"),
		xmlBody("CallbackFailed", "Cost too long time.", "0007-00000999"),
		"Cost too long time.", "0007-00000206", "0009-00000001",
	} {
		e := Read(agree)
		d, _ := Find(e)
		if other, differs := Contradiction(e, d); differs {
			t.Errorf("%q is %s, and by its number %s", agree, d.ID, other.ID)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, input := range []string{"", "   ", "hello", "<html>", "{}", "[1,2]", "{\"a\":1}", "deadbeef", "Error", "000000000000000000000000",
		"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>",
		"HTTP/1.1 503 Service Unavailable\r\nx-oss-request-id: " + id} {
		if d, ok := Find(Read(input)); ok {
			t.Errorf("%q is %s", input, d.ID)
		}
	}
}

func TestNearest(t *testing.T) {
	for input, want := range map[string]string{
		"too many callbacks at the same time":  "too-many-callbacks",
		"body is not a valid json":             "invalid-json",
		"status 404":                           "status-404",
		"回调服务器 5 秒内没有响应":                       "cost-too-long",
		"OSS 连不上，无法连接回调地址":                     "cannot-connect",
		"privat adress is forbiden to calback": "private-address",
		"NoSuchBuckets":                        "no-such-bucket",
		"content-length is missing":            "length-missing",
	} {
		near := Nearest(input, 3)
		if !slices.ContainsFunc(near, func(d Diagnosis) bool { return d.ID == want }) || len(near) > 3 {
			t.Errorf("near %q are %v, not %s", input, ids(near), want)
		}
	}
	for _, input := range []string{"", "x", "qqq zzz www", "{}", "good morning everyone", "the weather is fine today", "今天天气很好"} {
		if near := Nearest(input, 3); len(near) != 0 {
			t.Errorf("near %q are %v", input, ids(near))
		}
	}
	if near := Nearest("status 404", 0); len(near) != 0 {
		t.Errorf("none were wanted: %v", ids(near))
	}
	if near := Nearest("status 404", -1); len(near) != 0 {
		t.Errorf("none were wanted: %v", ids(near))
	}
}

func ids(list []Diagnosis) (names []string) {
	for _, d := range list {
		names = append(names, d.ID)
	}
	return names
}

// Every code of the function's own table is here, and no other one.
func TestOwnCodes(t *testing.T) {
	source, err := os.ReadFile(filepath.FromSlash("../../../function/endpoint/answer.go"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\t\{[\w.]+, "(\w+)", http\.Status`).FindAllStringSubmatch(string(source), -1)
	codes := map[string]bool{"queued": true}
	for _, row := range rows {
		codes[row[1]] = true
		check(t, `{"status":"rejected","error":"`+row[1]+`"}`, strings.ReplaceAll(row[1], "_", "-"))
	}
	if len(codes) < 15 {
		t.Fatalf("%d codes found in the table: has it moved?", len(codes))
	}
	for _, d := range All() {
		if d.own && !codes[d.Code] {
			t.Errorf("%s: the function knows no %q", d.ID, d.Code)
		}
	}
}

func TestCatalogueIsNotShared(t *testing.T) {
	All()[0].ID = "changed"
	if All()[0].ID == "changed" {
		t.Error("All gave its catalogue away")
	}
}
