package health

import (
	"os"
	"regexp"
	"testing"
	"time"
)

func TestMonitor(t *testing.T) {
	var m Monitor
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	if !m.Set(PaperLow, true, at) || m.Set(PaperLow, true, at.Add(time.Hour)) {
		t.Error("Set does not tell what is new from what is known")
	}
	m.Set(ClockLost, true, at)
	m.Set(NoReader, true, at)
	got := m.Active()
	if len(got) != 3 || got[0].Condition != ClockLost || got[1].Condition != NoReader || !got[2].Since.Equal(at) {
		t.Errorf("Active = %+v, want clock, reader, paper since %v", got, at)
	}
	if n := m.Notice(); n != ClockLost.Notice {
		t.Errorf("Notice = %q, want %q", n, ClockLost.Notice)
	}
	if !m.Set(ClockLost, false, at) || m.Holds(ClockLost) {
		t.Error("a condition that ended still holds")
	}
}

func TestConditionsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All {
		if seen[c.Code] {
			t.Errorf("%s: two conditions have this code", c.Code)
		}
		seen[c.Code] = true
		if c.What == "" || c.Advice == "" || c.Severity.String() == "unknown" {
			t.Errorf("%s: what, advice or severity is missing", c.Code)
		}
		if c.Severity == Stop && c.Notice == "" {
			t.Errorf("%s: it stops requests and tells no one", c.Code)
		}
	}
}

// The runbook knows every condition by its code, and no other.
func TestRunbook(t *testing.T) {
	b, err := os.ReadFile("../docs/runbooks/conditions.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z.]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(string(b), -1) {
		rows[m[1]] = m[2]
	}
	for _, c := range All {
		if got := rows[c.Code]; got != c.Severity.String() {
			t.Errorf("%s in the runbook: got severity %q, want %q", c.Code, got, c.Severity)
		}
		delete(rows, c.Code)
	}
	for code := range rows {
		t.Errorf("the runbook has %s, which is no condition", code)
	}
}
