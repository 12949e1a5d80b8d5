package layout

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPartitionsDoNotOverlap(t *testing.T) {
	for _, b := range Boards() {
		l, err := For(b)
		if err != nil {
			t.Fatal(err)
		}
		at, numbers := int64(Align), map[int]string{}
		for _, p := range l.Partitions {
			if p.Start < at || p.Start%Align != 0 || p.Size <= 0 {
				t.Errorf("%s: %s begins at %d with %d bytes; what precedes it ends at %d", b, p.Name, p.Start, p.Size, at)
			}
			if other := numbers[p.Number]; other != "" {
				t.Errorf("%s: %s and %s are both number %d", b, p.Name, other, p.Number)
			}
			numbers[p.Number], at = p.Name, p.Start+p.Size
			e := l.Extended
			inside := p.Start >= e.Start+Align && at <= e.Start+e.Size
			if p.Logical != (l.Table == MBR && p.Number > 4) || p.Logical && !inside {
				t.Errorf("%s: %s, number %d: logical %v, inside the extended partition %v", b, p.Name, p.Number, p.Logical, inside)
			}
		}
		if last := l.Partitions[len(l.Partitions)-1].Name; last != Data {
			t.Errorf("%s: the last partition is %s, want %s: only the last can grow", b, last, Data)
		}
		if l.Size() > 1229<<20 {
			t.Errorf("%s: an image has %d MiB, want at most 1229 (1.2 GiB)", b, l.Size()>>20)
		}
		if l.Table == MBR {
			if l.Extended.Number != extended || numbers[extended] != "" {
				t.Errorf("%s: extended partition %+v", b, l.Extended)
			}
			if l.Partition(Data).Logical {
				t.Errorf("%s: data is a logical partition: growing it would change more than one sector", b)
			}
		}
	}
}

func TestIdentity(t *testing.T) {
	for board, want := range map[string][2]string{
		"vm":   {"PARTLABEL=root-b", "/dev/disk/by-partlabel/root-b"},
		"rpi3": {"PARTUUID=504e4a52-08", "/dev/disk/by-partuuid/504e4a52-08"},
	} {
		l, err := For(board)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]string{l.Identity(RootB), l.Device(RootB)}; got != want {
			t.Errorf("%s: Identity, Device = %q, want %q", board, got, want)
		}
	}
}

func TestForUnknownBoard(t *testing.T) {
	if _, err := For("toaster"); err == nil || !strings.Contains(err.Error(), "toaster") {
		t.Errorf("For = %v, want an error that names the board", err)
	}
}

func TestRelease(t *testing.T) {
	want := Release{Version: "1.2.3", Board: "vm", Build: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), DataFormat: DataFormat, Developer: true}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseRelease(b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ParseRelease = %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{
		``, `[]`, `{}`, `{"version":"1","board":"vm","data_format":1,"else":1}`, `{"board":"vm","data_format":1}`,
		`{"version":"1","data_format":1}`, `{"version":"1","board":"vm"}`, `{"version":"1","board":"vm","data_format":1} {}`,
	} {
		if r, err := ParseRelease([]byte(bad)); err == nil {
			t.Errorf("ParseRelease(%q) = %+v, want an error", bad, r)
		}
	}
}

func FuzzRelease(f *testing.F) {
	f.Add([]byte(`{"version":"1.2.3","board":"vm","build":"2026-11-30T00:00:00Z","data_format":1}`))
	f.Add([]byte(`{"version":"","board":"vm"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRelease(b)
		if err != nil {
			return
		}
		out, err := json.Marshal(r)
		if err != nil {
			return // a year that JSON cannot have
		}
		again, err := ParseRelease(out)
		if err != nil || !again.Build.Equal(r.Build) {
			t.Errorf("ParseRelease(%s) = %+v, %v, want %+v", out, again, err, r)
		}
	})
}
