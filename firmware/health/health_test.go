package health

import (
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
