package settings

import (
	"slices"
	"strings"
	"time"
)

// sync returns when the kiosk may speak to the portal:
//
//	"sync": {"bytes_per_day": 2000000, "windows": [{"days": ["mon", "thu"], "from": "08:00", "to": "09:30"}]}
func (n node) sync() Sync {
	n.only("windows", "bytes_per_day")
	s := Sync{BytesPerDay: int64(n.key("bytes_per_day").number(10_000, 1<<40))}
	for _, w := range n.key("windows").list() {
		s.Windows = append(s.Windows, w.window())
	}
	return s
}

// Holds reports whether at is in the window, by the wall clock that at shows. The zero
// window has no time in it.
func (w Window) Holds(at time.Time) bool {
	if w.From == 0 && w.To == 0 && w.Days == nil {
		return false
	}
	since := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
	on := func(d time.Weekday) bool { return w.Days == nil || slices.Contains(w.Days, d) }
	if w.To > w.From {
		return on(at.Weekday()) && w.From <= since && since < w.To
	}
	return on(at.Weekday()) && since >= w.From || on((at.Weekday()+6)%7) && since < w.To
}

// list returns the values of a list.
func (n node) list() []node {
	l, ok := n.v.([]any)
	if n.v != nil && !ok {
		n.fault("got %s, want a list", kind(n.v))
	}
	out := make([]node, len(l))
	for i, v := range l {
		out[i] = node{n.path + "[]", v, n.fs}
	}
	return out
}

func (n node) window() Window {
	n.only("days", "from", "to")
	w := Window{From: n.key("from").must().clock(), To: n.key("to").must().clock()}
	for _, d := range n.key("days").list() {
		w.Days = append(w.Days, d.weekday())
	}
	return w
}

func (n node) weekday() time.Weekday {
	s := n.text()
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.ToLower(d.String()[:3]) == s {
			return d
		}
	}
	n.fault("got %q, want mon, tue, wed, thu, fri, sat or sun", s)
	return 0
}

// clock returns a time of day; 24:00 is its end.
func (n node) clock() time.Duration {
	s := n.text()
	if s == "24:00" {
		return 24 * time.Hour
	}
	t, err := time.Parse("15:04", s)
	if s != "" && err != nil {
		n.fault("got %q, want hours and minutes, 08:30", s)
		return 0
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}
