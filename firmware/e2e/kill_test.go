package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/e2e/visitor"
)

// TestPromise_NothingTwice_Kills has citizens in a hurry while kiosk and portal
// are killed (SIGKILL) at moments by a seed, the network comes and goes, and
// sticks are written and read. Where the power cuts of power_cut_test.go each have
// a moment that was thought of, these have none. PENJIRE_KILLS is how often.
func TestPromise_NothingTwice_Kills(t *testing.T) {
	rounds := 5
	if s := os.Getenv("PENJIRE_KILLS"); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("moments by -seed=%d", s)
	c := &cuts{bench: startBench(t, "-speed", "300"), rng: rand.New(rand.NewPCG(s, 1))}
	k := &kills{cuts: c, stick: t.TempDir()}
	c.seen()
	for i := range rounds {
		k.round(i)
		if i%5 == 4 || i == rounds-1 {
			c.arrived()
		}
		if t.Failed() {
			t.Fatalf("in round %d of %d; replay with -seed=%d", i+1, rounds, s)
		}
	}
	t.Logf("%d kills of the kiosk, %d of the portal, %d with a stick; %d requests accepted, %d shown as done",
		k.ofKiosk, k.ofPortal, k.withStick, c.queued, len(c.codes))
}

// kills is a bench whose programs are killed.
type kills struct {
	*cuts
	stick                        string
	ofKiosk, ofPortal, withStick int
}

// round has citizens and sticks at work, kills somebody, and switches on again.
func (k *kills) round(i int) {
	k.t.Helper()
	networks := []string{"up", "up", "slow", "mute", "down"}
	k.network(networks[k.rng.IntN(len(networks))])
	s := k.state()
	var all sync.WaitGroup
	all.Go(func() {
		for n := range 3 { // one after the other: there is one screen
			code, err := visitor.Complain(&http.Client{Timeout: 5 * time.Second}, s.Kiosk.URL, fmt.Sprintf("Hyzmat berilmedi, %d.%d.", i, n))
			if err != nil {
				return // killed in the middle
			}
			k.codes = append(k.codes, code)
		}
	})
	if k.rng.IntN(3) == 0 {
		k.withStick++
		all.Go(func() { k.carry(s.Portal.URL) })
	}
	at := time.Duration(k.rng.Int64N(int64(1500 * time.Millisecond)))
	what := k.rng.IntN(4) // the portal, the kiosk twice as often, or both
	<-time.After(at)      // this is the moment
	if what == 0 || what == 3 {
		k.ofPortal++
		k.do("/api/power", map[string]any{"action": "cut", "what": "portal"})
	}
	if what != 0 {
		k.ofKiosk++
		k.power("cut")
	}
	all.Wait()
	if what == 0 || what == 3 {
		k.do("/api/power", map[string]any{"action": "on", "what": "portal"})
	}
	if what != 0 {
		k.on(k.disk())
	}
	k.seen()
}

// carry takes a stick to the portal and back. Whatever is killed meanwhile, what
// it leaves on the stick changes nothing that was acknowledged.
func (k *kills) carry(portal string) {
	run := func(what string) {
		_, _ = k.penjire("", what, "--settings", k.dir+"/kiosk/settings.json", "--lang", "en", "--any-folder", k.stick)
	}
	run("export")
	files, _ := filepath.Glob(filepath.Join(k.stick, "*.penjire"))
	for _, f := range files {
		if strings.Contains(f, "-answer-") {
			continue
		}
		if answer, name, err := deliver(portal, f); err == nil {
			_ = os.WriteFile(filepath.Join(k.stick, name), answer, 0o600) // a full stick is a stick too
		}
	}
	run("import")
}
