package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/rivo/uniseg"

	"oss-callback/scripts/internal/diagnose"
)

const uploadRequestID = "5CF3E782AB0C1D2E3F405162"

// runDiagnoseCommand runs the command as the app does.
func runDiagnoseCommand(ctx context.Context, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(ctx, append([]string{"scripts", "diagnose"}, args...), environment{stdin: stdin, stdout: &out, stderr: &errs})
	return code, out.String(), errs.String()
}

func english(t *testing.T) {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		t.Setenv(name, "")
	}
}

func TestDiagnoseForPeople(t *testing.T) {
	english(t)
	body := "<Error><Code>CallbackFailed</Code><Message>Cost too long time.</Message><RequestId>" + uploadRequestID + "</RequestId><EC>0007-00000205</EC></Error>"
	for name, c := range map[string]struct {
		args  []string
		stdin string
		says  []string
	}{
		"a body on stdin": {nil, body, []string{
			"The endpoint took longer than 5 seconds\n", "read           CallbackFailed, 0007-00000205, " + uploadRequestID + "\n",
			"uploaded       2019-06-02 15:13:06 UTC\n", "object stored  yes\n", "now            Upload again after a pause.",
			`in our log     "total_ms", "oss_request_id":"` + uploadRequestID + `"` + "\n", "how sure       documented\n",
			"more           https://api.aliyun.com/troubleshoot?q=0007-00000205\n", "note           the number 0007-00000205 alone would mean: The endpoint's answer is not JSON."}},
		"a hyphen for stdin": {[]string{"-"}, "0202", []string{"The endpoint took longer than 5 seconds"}},
		"words without quotes": {[]string{"Error", "status", ":", "404."}, "", []string{
			`in our log     "status":404` + "\n", "more           https://api.aliyun.com/troubleshoot?q=0007-00000203\n"}},
		"options behind":     {[]string{"0008", "--lang", "en"}, "", []string{"private or loopback", "object stored  no\n", "in our log     no line: "}},
		"behind two hyphens": {[]string{"--", "-1.OSS can not connect to your callbackUrl"}, "", []string{"OSS could not connect"}},
		"a request id":       {[]string{uploadRequestID}, "", []string{"2019-06-02 15:13:06 UTC", `in our log     "oss_request_id":"` + uploadRequestID + `"` + "\n"}},
		"Chinese":            {[]string{"--lang", "zh", "0202"}, "", []string{"回调服务器在 5 秒内没有响应\n", "对象已存储  是\n", "可靠程度    有文档依据\n", "现在怎么办  稍等片刻再重新上传。"}},
		"our answer":         {[]string{`{"status":"rejected","error":"bad_token"}`}, "", []string{`in our log     "code":"bad_token"` + "\n"}},
		"nothing is echoed":  {[]string{"Error status : 404. Authorization: hunter2\x1b[31m"}, "", []string{"The object is gone since"}},
		"nor a false EC":     {[]string{`{"ec":"0007-00000203 hunter2\u001b[31m"}`}, "", []string{"read           0007-00000203\n", "?q=0007-00000203\n"}},
		"nor a parameter":    {[]string{"https://h/cb?code=hunter2SECRET failed, Error status : 404."}, "", []string{"The object is gone since"}},
		"several errors": {nil, `{"code":"bad_token"}` + "\n" + `{"outcome":"queued"}` + "\n" + `{"code":"object_gone"}`, []string{
			"The object is gone since its upload\n", "read           object_gone\n", "note           this is the last error in the input; 1 more before it.\n"}},
		"UTF-16":              {nil, "\xff\xfe0\x002\x000\x002\x00\r\x00\n\x00", []string{"The endpoint took longer than 5 seconds\n"}},
		"nor is a false code": {[]string{`{"code":"a b\u001b[31m","ec":"0007-00000202"}`}, "", []string{"read           0007-00000202\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := runDiagnoseCommand(t.Context(), strings.NewReader(c.stdin), c.args...)
			if code != 0 || stderr != "" {
				t.Errorf("exit status %d, %s", code, stderr)
			}
			for _, s := range c.says {
				if !strings.Contains(stdout, s) {
					t.Errorf("%q is not in\n%s", s, stdout)
				}
			}
			if strings.Contains(stdout, "hunter2") || strings.Contains(stdout, "\x1b") {
				t.Errorf("the input is echoed:\n%s", stdout)
			}
			for line := range strings.Lines(stdout) {
				if width := uniseg.StringWidth(line); width > diagnosisWidth+1 {
					t.Errorf("%d columns: %s", width, line)
				}
			}
		})
	}
}

func TestDiagnoseUnknown(t *testing.T) {
	english(t)
	code, stdout, stderr := runDiagnoseCommand(t.Context(), nil, "too many callbacks at once, Authorization: hunter2")
	if code != 1 || stderr != "" || !strings.HasPrefix(stdout, "This is not known\n") || !strings.Contains(stdout, "too-many-callbacks  OSS has too many") ||
		strings.Contains(stdout, "hunter2") {
		t.Errorf("exit status %d, %s\n%s", code, stderr, stdout)
	}
	code, stdout, _ = runDiagnoseCommand(t.Context(), nil, "--json", "--lang", "zh", "too many callbacks at once")
	var r diagnosed
	if err := json.Unmarshal([]byte(stdout), &struct{ Known *bool }{&r.Known}); code != 1 || err != nil || r.Known || !strings.Contains(stdout, `"nearest":[{"id":"too-many-callbacks"`) {
		t.Errorf("exit status %d, %v\n%s", code, err, stdout)
	}
	code, stdout, _ = runDiagnoseCommand(t.Context(), nil, "--lang", "zh", "什么")
	if code != 1 || !strings.Contains(stdout, "未能识别") || strings.Contains(stdout, "最接近") {
		t.Errorf("exit status %d\n%s", code, stdout)
	}
}

func TestDiagnoseJSON(t *testing.T) {
	english(t)
	code, stdout, stderr := runDiagnoseCommand(t.Context(), nil, "--json",
		`oss: service returned error: StatusCode=203, ErrorCode=CallbackFailed, ErrorMessage="Error status : 404.", RequestId=`+uploadRequestID+`, Ec=0007-00000203`)
	for _, s := range []string{`{"known":true,"read":{"status":203,"code":"CallbackFailed","ec":"0007-00000203","requestId":"` + uploadRequestID +
		`","time":"2019-06-02T15:13:06Z"},"diagnosis":{"id":"status-404","ec":["0007-00000203"],"title":"The object is gone`,
		`"stored":"yes","cure":"again",`, `"log":"\"status\":404","sure":"documented","doc":"https://api.aliyun.com/troubleshoot?q=0007-00000203"}}`} {
		if code != 0 || stderr != "" || !strings.Contains(stdout, s) {
			t.Errorf("exit status %d, %s, %q is not in\n%s", code, stderr, s, stdout)
		}
	}
}

func TestDiagnoseList(t *testing.T) {
	english(t)
	for _, lang := range []diagnose.Lang{diagnose.EN, diagnose.ZH} {
		code, stdout, _ := runDiagnoseCommand(t.Context(), nil, "--list", "--lang", string(lang))
		lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
		if code != 0 || len(lines) != len(diagnose.All())+1 {
			t.Fatalf("exit status %d, %d lines", code, len(lines))
		}
		for i, d := range diagnose.All() {
			if line := lines[i+1]; !strings.HasPrefix(line, d.ID+" ") || !strings.HasSuffix(line, "  "+d.Text.In(lang).Title) ||
				uniseg.StringWidth(strings.TrimSuffix(line, d.Text.In(lang).Title)) != uniseg.StringWidth(strings.TrimSuffix(lines[1], diagnose.All()[0].Text.In(lang).Title)) {
				t.Errorf("%s: %s", d.ID, line)
			}
		}
	}
	code, stdout, _ := runDiagnoseCommand(t.Context(), nil, "--list", "--json")
	dec := json.NewDecoder(strings.NewReader(stdout))
	for _, d := range diagnose.All() {
		var row struct{ ID, Cure, Stored string }
		if err := dec.Decode(&row); code != 0 || err != nil || row.ID != d.ID || row.Cure != d.Cure.String() || row.Stored != d.Stored.String() {
			t.Errorf("%s: %v %+v", d.ID, err, row)
		}
	}
}

func TestDiagnoseRefused(t *testing.T) {
	english(t)
	for name, c := range map[string]struct {
		args  []string
		stdin string
		says  string
	}{
		"nothing":             {nil, "", "there is nothing to diagnose"},
		"blanks":              {[]string{" "}, "", "there is nothing to diagnose"},
		"too long":            {nil, strings.Repeat("a", maxDiagnosed+1), "longer than 128 KiB"},
		"another language":    {[]string{"--lang", "fr", "0202"}, "", `--lang is en or zh, not "fr"`},
		"a hyphen, no quotes": {[]string{"Error", "status", ":", "-x"}, "", "put the text in quotes"},
		"Chinese, nothing":    {[]string{"--lang", "zh"}, "", "没有可诊断的内容"},
		"Chinese, too long":   {[]string{"--lang", "zh"}, strings.Repeat("a", maxDiagnosed+1), "输入超过 128 KiB"},
		"Chinese, a hyphen":   {[]string{"--lang", "zh", "Error", "-x"}, "", "请给文本加上引号"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := runDiagnoseCommand(t.Context(), strings.NewReader(c.stdin), c.args...)
			if code != 1 || stdout != "" || !strings.Contains(stderr, c.says) {
				t.Errorf("exit status %d, %q is not in %s\n%s", code, c.says, stderr, stdout)
			}
		})
	}
}

// Ctrl-C ends the command while it waits for its input.
func TestDiagnoseInterrupted(t *testing.T) {
	english(t)
	stdin, typing := io.Pipe()
	defer typing.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code, _, stderr := runDiagnoseCommand(ctx, stdin); code != 1 || !strings.Contains(stderr, "context canceled") {
		t.Errorf("exit status %d, %s", code, stderr)
	}
}

func TestLanguage(t *testing.T) {
	for _, c := range []struct {
		name, all, messages, lang string
		want                      diagnose.Lang
	}{
		{"", "", "", "", "en"},
		{"", "", "", "zh_CN.UTF-8", "zh"},
		{"", "", "en_US.UTF-8", "zh_CN.UTF-8", "en"},
		{"", "zh_CN.UTF-8", "en_US.UTF-8", "C", "zh"},
		{"", "C.UTF-8", "", "zh_CN.UTF-8", "en"},
		{"en", "zh_CN.UTF-8", "", "", "en"},
		{"zh", "", "", "", "zh"},
		{"fr", "", "", "", ""},
	} {
		t.Setenv("LC_ALL", c.all)
		t.Setenv("LC_MESSAGES", c.messages)
		t.Setenv("LANG", c.lang)
		if got := language(c.name); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestWrapped(t *testing.T) {
	for text, want := range map[string][]string{
		"one two three four":   {"one two", "three four"},
		"":                     {""},
		"https://example.com/": {"https://example.com/"},
		"回调服务器没有响应。":           {"回调服务器", "没有响应。"},
		"回调服务器，没有响应":           {"回调服务", "器，没有响", "应"},
		"状态（例子说明）":             {"状态（例子", "说明）"},
		"回调 object_gone 出错":    {"回调", "object_gone", "出错"},
	} {
		if got := wrapped(text, 10); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, d := range diagnose.All() {
		for _, lang := range []diagnose.Lang{diagnose.EN, diagnose.ZH} {
			text := d.Text.In(lang)
			for _, part := range []string{text.Cause, text.Now, text.Change} {
				lines := wrapped(part, 40)
				whole := strings.Map(func(r rune) rune {
					if unicode.IsSpace(r) {
						return -1
					}
					return r
				}, part)
				if strings.ReplaceAll(strings.Join(lines, ""), " ", "") != whole {
					t.Errorf("%s: %q has lost something", d.ID, lines)
				}
				for _, line := range lines {
					if strings.ContainsAny(line[:min(len(line), 3)], "，。：；、）") {
						t.Errorf("%s: a line begins with punctuation: %q", d.ID, line)
					}
				}
			}
		}
	}
}
