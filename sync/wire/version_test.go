package wire

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestChoose: any two ends that are up to three versions apart have one in common,
// the newest of both.
func TestChoose(t *testing.T) {
	at := func(n uint) Versions { return Versions{max(n, Back+1) - Back, n} }
	for kiosk := uint(1); kiosk <= 12; kiosk++ {
		for portal := kiosk; portal <= 12; portal++ {
			got, ok := at(portal).Choose(at(kiosk))
			back, okBack := at(kiosk).Choose(at(portal))
			if got != back || ok != okBack {
				t.Errorf("kiosk %d, portal %d: %d %v and %d %v", kiosk, portal, got, ok, back, okBack)
			}
			if want := portal-kiosk <= Back; ok != want || ok && got != kiosk {
				t.Errorf("kiosk %d, portal %d: got version %d, %v, want %v", kiosk, portal, got, ok, want)
			}
		}
	}
	if n, ok := (Versions{3, 5}).Choose(Versions{1, 4}); n != 4 || !ok {
		t.Errorf("3 to 5 and 1 to 4: got %d, %v, want 4", n, ok)
	}
}

// TestHistory: the spec has a dated line for every version up to ours and none
// beyond, and three versions back are spoken.
func TestHistory(t *testing.T) {
	b, err := os.ReadFile(specFile)
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`(?m)^## \d+\. Changes$`).FindIndex(b)
	if at == nil {
		t.Fatal("the spec has no section «Changes»")
	}
	changes := b[at[1]:]
	lines := regexp.MustCompile(`(?m)^- (\d+), (\d{4}-\d{2}-\d{2}): `).FindAllSubmatch(changes, -1)
	for i, l := range lines {
		if n, _ := strconv.Atoi(string(l[1])); n != i+1 {
			t.Errorf("line %d of the changes is version %s", i+1, l[1])
		}
	}
	if len(lines) != Version {
		t.Errorf("%d versions in the history, want %d", len(lines), Version)
	}
	if Version-Oldest < min(Back, Version-1) {
		t.Errorf("versions %d to %d are spoken, want %d back", Oldest, Version, Back)
	}
}
