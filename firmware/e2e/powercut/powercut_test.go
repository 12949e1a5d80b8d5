package powercut

import (
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestPowerCuts: what was acknowledged before a cut is there after it, and the
// machine always starts. PENJIRE_POWER_CUTS is how many; one if nothing is said.
func TestPowerCuts(t *testing.T) {
	if testing.Short() {
		t.Skip("a machine that emulates every instruction is not quick")
	}
	cuts, seed := number(t, "PENJIRE_POWER_CUTS", 1), uint64(number(t, "PENJIRE_SEED", int(time.Now().UnixNano())))
	t.Logf("seed: PENJIRE_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	m := newMachine(t)
	promised := map[string]bool{}
	kinds := map[string]int{}
	for i := range cuts {
		cut := []string{"drop", "error", "none"}[(i+int(seed%3))%3]
		l, err := m.live(orders(r, cut, true))
		if err != nil {
			t.Fatal(err)
		}
		check(t, l, promised)
		kinds[cut]++
		t.Logf("cut %d of %d (%s): %d facts found, %d more acknowledged, %d refused", i+1, cuts, cut, len(l.have), len(l.acks), l.refused)
		if len(l.acks) == 0 {
			t.Errorf("nothing was acknowledged before the cut")
		}
		maps.Copy(promised, l.acks)
	}
	l, err := m.live(orders(r, "none", true)) // after the last one
	if err != nil {
		t.Fatal(err)
	}
	check(t, l, promised)
	t.Logf("%d power cuts (%v), %d facts acknowledged, none lost", cuts, kinds, len(promised))
}

// TestPowerCutsSee has flushes swallowed: then something acknowledged is lost, or
// the disk is damaged, and the rig sees it.
func TestPowerCutsSee(t *testing.T) {
	if testing.Short() {
		t.Skip("a machine that emulates every instruction is not quick")
	}
	m := newMachine(t)
	r := rand.New(rand.NewPCG(1, 0))
	promised := map[string]bool{}
	for range 4 {
		l, err := m.live(orders(r, "drop", false))
		if err != nil {
			t.Fatal(err)
		}
		if lost := lost(l, promised); len(lost) > 0 || l.fault != "" {
			t.Logf("MUTANT \"no flush\" caught by %s: %d of %d facts lost; %s", t.Name(), len(lost), len(promised), l.fault)
			return
		}
		maps.Copy(promised, l.acks)
	}
	t.Error("MUTANT \"no flush\" was not found")
}

func orders(r *rand.Rand, cut string, flush bool) map[string]string {
	o := map[string]string{"SEED": strconv.FormatUint(r.Uint64(), 10), "CUT": cut, "AFTER": strconv.Itoa(20 + r.IntN(200)), "FLUSH": "yes"}
	if !flush {
		o["FLUSH"] = "no"
	}
	return o
}

func lost(l *life, promised map[string]bool) (out []string) {
	for p := range promised {
		if !l.have[p] {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

func check(t *testing.T, l *life, promised map[string]bool) {
	t.Helper()
	if lost := lost(l, promised); len(lost) > 0 {
		t.Errorf("%d of %d facts were acknowledged and are lost: %s", len(lost), len(promised), strings.Join(lost[:min(len(lost), 20)], ", "))
	}
	if !l.ready || l.fault != "" {
		t.Errorf("it does not start: %s", l.fault)
	}
	if t.Failed() {
		t.Fatalf("what the machine said:\n%s", l.all.Bytes())
	}
}

func number(t *testing.T, name string, usual int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
