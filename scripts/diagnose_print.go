package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"oss-callback/scripts/internal/diagnose"
)

// diagnosisWidth is how many columns of a terminal the texts take.
const diagnosisWidth = 110

type diagnosisLabels struct {
	read, uploaded, cause, stored, now, change, log, sure, doc, note string
	noLine, both, others, unknown, nearest, hint                     string
	paste, badLang, quote, unread, empty, tooLong                    string
	id, ec, cure, title                                              string
	separator                                                        string // between words of a list
}

var diagnosisWords = map[diagnose.Lang]diagnosisLabels{
	diagnose.EN: {
		read: "read", uploaded: "uploaded", cause: "cause", stored: "object stored", now: "now", change: "change", log: "in our log", sure: "how sure",
		doc: "more", note: "note",
		noLine: "no line: the function was not called, or this is not its answer",
		both:   "the number %s alone would mean: %s. The message counts, because OSS may change its numbers.",
		others: "this is the last error in the input; %d more before it.",
		paste:  "Paste what you have, then press Ctrl-D:", badLang: "--lang is en or zh, not %q",
		quote:   "%w; put the text in quotes, and behind -- if it begins with a hyphen",
		unread:  "read stdin: %w",
		empty:   "there is nothing to diagnose: give it a message, an EC, a body or an exception; see --help",
		tooLong: "the input is longer than %d KiB: give it the answer of OSS, or one line of a log",
		unknown: "This is not known", nearest: "The nearest that are known",
		hint: "Give it the whole answer: Message and EC of the XML body, or the x-oss-ec header. --list shows everything that is known.",
		id:   "ID", ec: "EC", cure: "CURE", title: "MEANS", separator: ", ",
	},
	diagnose.ZH: {
		read: "已识别", uploaded: "上传时间", cause: "原因", stored: "对象已存储", now: "现在怎么办", change: "如何修正", log: "函数日志", sure: "可靠程度",
		doc: "更多信息", note: "注意",
		noLine: "没有记录：函数没有被调用，或该响应不是函数返回的",
		both:   "若只看编号 %s，含义是：%s。以消息为准，因为 OSS 可能调整编号。",
		others: "这是输入中的最后一个错误，前面还有 %d 个。",
		paste:  "请粘贴内容，然后按 Ctrl-D：", badLang: "--lang 只能是 en 或 zh，不能是 %q",
		quote:   "%w；请给文本加上引号，以连字符开头的文本要放在 -- 之后",
		unread:  "读取标准输入失败：%w",
		empty:   "没有可诊断的内容：请提供消息、EC、响应正文或异常信息，用法见 --help",
		tooLong: "输入超过 %d KiB：请只提供 OSS 的响应，或日志中的一行",
		unknown: "未能识别", nearest: "最接近的已知情况",
		hint: "请提供完整的响应：XML 正文中的 Message 和 EC，或响应头 x-oss-ec。--list 可列出全部已知情况。",
		id:   "ID", ec: "EC", cure: "处理方式", title: "含义", separator: "，",
	},
}

// showDiagnosis prints a result for people.
func showDiagnosis(w io.Writer, r diagnosed, lang diagnose.Lang) {
	words, out := diagnosisWords[lang], newPrinter(w)
	read := []string{}
	if r.Read.Status != 0 {
		read = append(read, fmt.Sprintf("HTTP %d", r.Read.Status))
	}
	for _, part := range []string{r.Read.Code, r.Read.EC, r.Read.RequestID} {
		if part != "" {
			read = append(read, part)
		}
	}
	rows := [][2]string{{words.read, strings.Join(read, words.separator)}}
	if !r.Read.Time.IsZero() {
		rows = append(rows, [2]string{words.uploaded, r.Read.Time.Format(time.DateTime) + " UTC"})
	}
	if d := r.Diagnosis; d != nil {
		out.line(bold, d.Title)
		rows = append(rows, [2]string{words.cause, d.Cause}, [2]string{words.stored, d.Stored.In(lang)}, [2]string{words.now, d.Now},
			[2]string{words.change, d.Change}, [2]string{words.log, logLine(d.Log, r.Read.RequestID, words)}, [2]string{words.sure, d.Sure.In(lang)},
			[2]string{words.doc, d.Doc})
		if other := r.Contradicts; other != nil {
			rows = append(rows, [2]string{words.note, fmt.Sprintf(words.both, r.Read.EC, other.Title)})
		}
		if r.Read.Others > 0 {
			rows = append(rows, [2]string{words.note, fmt.Sprintf(words.others, r.Read.Others)})
		}
		diagnosisRows(out, rows)
		return
	}
	out.line(bold, words.unknown)
	diagnosisRows(out, append(rows, [2]string{words.now, words.hint}))
	if len(r.Nearest) > 0 {
		out.line(bold, words.nearest)
		rows = nil
		for _, d := range r.Nearest {
			rows = append(rows, [2]string{d.ID, d.Title})
		}
		diagnosisRows(out, rows)
	}
}

// logLine is what to look for in the function's log.
func logLine(field, requestID string, words diagnosisLabels) string {
	if field == "" {
		return words.noLine
	}
	if requestID == "" {
		return field
	}
	const id = `"oss_request_id"`
	if field == id {
		return id + `:"` + requestID + `"`
	}
	return field + words.separator + id + `:"` + requestID + `"`
}

// listDiagnoses prints the whole catalogue.
func listDiagnoses(w io.Writer, lang diagnose.Lang, asJSON bool) error {
	words := diagnosisWords[lang]
	rows := [][]string{{words.id, words.ec, words.stored, words.cure, words.title}}
	for _, d := range diagnose.All() {
		if asJSON {
			if err := encodeDiagnosis(w, toJSON(d, "", lang)); err != nil {
				return err
			}
			continue
		}
		ec := ""
		if len(d.EC) > 0 {
			ec = d.EC[0]
		}
		if len(d.EC) > 1 {
			ec += "…"
		}
		rows = append(rows, []string{d.ID, ec, d.Stored.In(lang), d.Cure.In(lang), d.Text.In(lang).Title})
	}
	if asJSON {
		return nil
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	for _, row := range rows {
		last := len(row) - 1
		for i, cell := range row[:last] {
			row[i] = padded(cell, widths[i])
		}
		if _, err := fmt.Fprintln(w, strings.Join(row, "  ")); err != nil {
			return err
		}
	}
	return nil
}

// diagnosisRows prints labels with their texts beside them. Rows without a text are left out.
func diagnosisRows(out *printer, rows [][2]string) {
	width := 0
	for _, row := range rows {
		width = max(width, uniseg.StringWidth(row[0]))
	}
	for _, row := range rows {
		if row[1] == "" {
			continue
		}
		label := out.paint(green, row[0]) + strings.Repeat(" ", width-uniseg.StringWidth(row[0]))
		for _, line := range wrapped(row[1], diagnosisWidth-width-4) {
			out.line("", "  "+label+"  "+line)
			label = strings.Repeat(" ", width)
		}
	}
}

// padded fills a text up to so many columns of a terminal; Chinese characters take two.
func padded(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-uniseg.StringWidth(text)))
}

// wrapped breaks a text into lines of at most width columns where Unicode allows it, but not inside of a URL. What may not be broken stays
// whole.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for state := -1; text != ""; {
		var segment string
		segment, text, _, state = uniseg.FirstLineSegmentInString(text, state)
		inURL := line != "" && line[len(line)-1] == '/' && segment[0] < utf8.RuneSelf
		if line != "" && !inURL && uniseg.StringWidth(strings.TrimRight(line+segment, " ")) > width {
			lines, line = append(lines, strings.TrimRight(line, " ")), ""
		}
		line += segment
	}
	return append(lines, strings.TrimRight(line, " "))
}
