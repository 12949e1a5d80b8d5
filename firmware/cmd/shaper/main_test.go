package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/penjire/penjire/firmware/demo/shaper"
)

func TestRun(t *testing.T) {
	var out, said bytes.Buffer
	code := run([]string{"-rate", "0", "-delay", "1ms", "-loss", "0", "sleep 100", "cat /proc/net/dev; echo to $FAR from $NEAR; exit 7"}, &out, &said)
	if code == 1 && strings.Contains(said.String(), shaper.ErrNotHere.Error()) && os.Getenv("PENJIRE_PEERS") != "require" {
		t.Skipf("LEFT OUT: %s", said.String())
	}
	if code != 7 || !strings.Contains(out.String(), "link0:") || !strings.Contains(out.String(), "to 10.77.0.2 from 10.77.0.1") {
		t.Errorf("exit status %d, want 7; output:\n%s%s", code, out.String(), said.String())
	}
	var counts map[string]shaper.Count
	if err := json.Unmarshal(said.Bytes(), &counts); err != nil || len(counts) != 2 {
		t.Errorf("it says %q: %v", said.String(), err)
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{{"-rate"}, {"one"}, {"one", "two", "three"}} {
		var out bytes.Buffer
		if code := run(args, &out, &out); code != 2 {
			t.Errorf("shaper %q = %d, want 2", args, code)
		}
	}
}
