package e2e

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
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
			code, err := hurry(s.Kiosk.URL, fmt.Sprintf("Hyzmat berilmedi, %d.%d.", i, n))
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

// hurry makes a complaint and returns the code that the done page shows. An error
// says that somebody pulled the plug, or that it was not done in time.
func hurry(kiosk, what string) (string, error) {
	v := visitor{c: &http.Client{Timeout: 5 * time.Second}, at: kiosk}
	said := map[string]string{}
	maps.Copy(said, answers)
	said["what"] = what
	if err := v.post("begin", "lang", "ru"); err != nil {
		return "", err
	}
	steps := [][]string{{"apply"}, {"choose", "service", "complaint"}, {"begin"}}
	for _, s := range steps {
		if err := v.post(s[0], s[1:]...); err != nil {
			return "", err
		}
	}
	for range 100 {
		var err error
		row, question := strings.CutPrefix(v.page, "question/")
		switch {
		case v.page == "rules":
			err = v.post("accept")
		case v.page == "check":
			err = v.post("confirm")
		case question:
			err = v.post("answer", form(row, said[row])...)
		case v.page == "working":
			err = v.look()
		case v.page == "done":
			code, err := edoc.ParseCode(trackingCode.FindString(v.text))
			return code, errors.Join(err, v.post("end"))
		default:
			return "", fmt.Errorf("on page %s", v.page)
		}
		if err != nil {
			return "", err
		}
	}
	return "", errors.New("a hundred pages and not done")
}

// visitor is a citizen for whom a page that does not come is no failure.
type visitor struct {
	c          *http.Client
	at         string
	page, text string
}

func (v *visitor) post(name string, kv ...string) error {
	f := url.Values{}
	for i := 0; i < len(kv); i += 2 {
		f.Set(kv[i], kv[i+1])
	}
	r, err := v.c.PostForm(v.at+"/"+name, f)
	return v.read(r, err)
}

func (v *visitor) look() error {
	r, err := v.c.Get(v.at)
	return v.read(r, err)
}

func (v *visitor) read(r *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %w", r.Status, errors.Join(err, errors.ErrUnsupported))
	}
	v.at = r.Request.URL.String()
	v.page, v.text = words(string(body))
	return nil
}
