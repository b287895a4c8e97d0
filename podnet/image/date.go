package image

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// date is date [-u] [-d time] [-r file] [-R] [-I[spec]] [+format]. The zone is
// UTC: images have no other.
func date(_ context.Context, p *proc) int {
	args := p.args
	for i, a := range args { // -I takes its value only in the same word
		if strings.HasPrefix(a, "-I") && len(a) > 2 {
			p.args = append(append(append([]string(nil), args[:i]...), "--iso="+a[2:]), args[i+1:]...)
		}
	}
	opts, operands, ok := p.options("ud:r:RI", map[string]string{"iso=": "I", "utc": "u", "date=": "d"})
	if !ok {
		return 1
	}
	now := time.Now()
	format := "%a %b %e %H:%M:%S %Z %Y"
	for _, o := range opts {
		switch o.name {
		case "d":
			t, ok := parseDate(o.value, now)
			if !ok {
				p.errorf("invalid date '%s'", o.value)
				return 1
			}
			now = t
		case "r":
			info, err := p.FS().Stat(p.path(o.value))
			if err != nil {
				p.errorf("%s: %s", o.value, strerror(err))
				return 1
			}
			now = info.ModTime()
		case "R":
			format = "%a, %d %b %Y %H:%M:%S %z"
		case "I":
			specs := map[string]string{
				"": "%Y-%m-%d", "date": "%Y-%m-%d", "hours": "%Y-%m-%dT%H%z", "minutes": "%Y-%m-%dT%H:%M%z",
				"seconds": "%Y-%m-%dT%H:%M:%S%z", "ns": "%Y-%m-%dT%H:%M:%S,%N%z",
			}
			if format, ok = specs[o.value]; !ok {
				return p.usageError()
			}
			format = strings.Replace(format, "%z", "+00:00", 1)
		}
	}
	for _, arg := range operands {
		if !strings.HasPrefix(arg, "+") {
			p.errorf("can't set date: Operation not permitted")
			return 1
		}
		format = arg[1:]
	}
	fmt.Fprintln(p.out, strftime(now.UTC(), format))
	return 0
}

// parseDate reads the times that busybox's date -d knows.
func parseDate(s string, now time.Time) (time.Time, bool) {
	if rest, ok := strings.CutPrefix(s, "@"); ok {
		n, err := parseInt64(rest)
		return time.Unix(n, 0), err == nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006.01.02-15:04:05", "2006.01.02-15:04", "200601021504.05", "200601021504"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			now = now.UTC()
			return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC), true
		}
	}
	return time.Time{}, false
}

// strftime formats a time as C's strftime does, in the C locale.
func strftime(t time.Time, format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		b.WriteString(strftimeVerb(t, format[i]))
	}
	return b.String()
}

var strftimeLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06",
	'e': "_2", 'F': "2006-01-02", 'H': "15", 'I': "03", 'm': "01", 'M': "04", 'p': "PM", 'r': "03:04:05 PM", 'R': "15:04",
	'S': "05", 'T': "15:04:05", 'x': "01/02/06", 'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
}

func strftimeVerb(t time.Time, verb byte) string {
	if layout, ok := strftimeLayouts[verb]; ok {
		return t.Format(layout)
	}
	_, week := t.ISOWeek()
	switch verb {
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay())
	case 'k':
		return fmt.Sprintf("%2d", t.Hour())
	case 'N':
		return fmt.Sprintf("%09d", t.Nanosecond())
	case 'n':
		return "\n"
	case 's':
		return fmt.Sprint(t.Unix())
	case 't':
		return "\t"
	case 'u':
		return fmt.Sprint((int(t.Weekday())+6)%7 + 1)
	case 'V':
		return fmt.Sprintf("%02d", week)
	case 'w':
		return fmt.Sprint(int(t.Weekday()))
	case '%':
		return "%"
	}
	return "%" + string(verb)
}
