package main

import "testing"

func TestParseLine(t *testing.T) {
	for in, want := range map[string]line{
		"/dev/ttyS0": {"/dev/ttyS0", 0}, "/dev/serial/by-path/x:1.0,9600": {"/dev/serial/by-path/x:1.0", 9600},
	} {
		if got, err := parseLine(in); err != nil || got != want {
			t.Errorf("parseLine(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", ",1200", "/dev/ttyS0,", "/dev/ttyS0,50", "/dev/ttyS0,fast"} {
		if _, err := parseLine(in); err == nil {
			t.Errorf("parseLine(%q) = nil, want an error", in)
		}
	}
}
