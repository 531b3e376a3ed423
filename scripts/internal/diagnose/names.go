package diagnose

import (
	"strconv"
	"time"
)

// String is the name that scripts see: stop, again, wait or none.
func (c Cure) String() string { return name(int(c), "stop", "again", "wait", "none") }

// MarshalText makes String the value in JSON.
func (c Cure) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// In is the cure in a word or two.
func (c Cure) In(lang Lang) string {
	if lang == ZH {
		return name(int(c), "先修改", "立即重传", "稍后重传", "无需处理")
	}
	return c.String()
}

// String is the name that scripts see: unknown, yes or no.
func (s Stored) String() string { return name(int(s), "unknown", "yes", "no") }

// MarshalText makes String the value in JSON.
func (s Stored) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// In is the answer in words.
func (s Stored) In(lang Lang) string {
	if lang == ZH {
		return name(int(s), "未知", "是", "否")
	}
	return s.String()
}

// In is the source in words.
func (s Sure) In(lang Lang) string {
	if lang != ZH {
		return string(s)
	}
	switch s {
	case Documented:
		return "有文档依据"
	case Field:
		return "有实际案例"
	case Inferred:
		return "推断"
	}
	return string(s)
}

// name is the n-th of names, or the number itself.
func name(n int, names ...string) string {
	if n < 0 || n >= len(names) {
		return strconv.Itoa(n)
	}
	return names[n]
}

// requestTime reads the Unix time that a request id begins with.
func requestTime(id string) time.Time {
	seconds, _ := strconv.ParseUint(id[:8], 16, 32) // requestIDRE has seen it
	return time.Unix(int64(seconds), 0).UTC()
}
