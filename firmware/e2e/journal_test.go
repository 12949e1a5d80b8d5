package e2e

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/ui/phrase"
)

// TestPromise_Provable_ChangedJournals is somebody with a screwdriver and the
// kiosk's keys: the medium is taken out after a request was accepted, printed,
// sent and witnessed; its journal is changed so that the file is in order by
// itself, or an older copy of it is put in; and the evidence on it is removed.
// The portal refuses each such journal with the alarm that fits, the kiosk takes
// no request under it, the paper receipt alone or with the kiosk's own proof
// shows what was accepted, and openssl verifies the head that contradicts it.
func TestPromise_Provable_ChangedJournals(t *testing.T) {
	b := startBench(t, "-speed", "300")
	for _, tt := range []struct {
		name, code string
		there      bool // the receipt's entry has another in its place
		change     func(t *testing.T, e [][]byte) [][]byte
	}{
		{"one record dropped", "journal.forked", true, func(t *testing.T, e [][]byte) [][]byte {
			i := outboxtest.Signed(t, e)
			return slices.Delete(e, i, i+1)
		}},
		{"two records swapped", "journal.forked", true, func(t *testing.T, e [][]byte) [][]byte {
			i := outboxtest.Signed(t, e)
			e[i], e[i+1] = e[i+1], e[i]
			return e
		}},
		{"one record changed", "journal.forked", true, func(t *testing.T, e [][]byte) [][]byte {
			i := outboxtest.Signed(t, e)
			x, err := journal.ParseEntry(e[i])
			if err != nil {
				t.Fatal(err)
			}
			x.Fields.Doc = slices.Clone(x.Fields.Doc)
			x.Fields.Doc[0] ^= 1
			if e[i], err = x.Marshal(); err != nil {
				t.Fatal(err)
			}
			return e
		}},
		{"truncated", "journal.shortened", false, func(t *testing.T, e [][]byte) [][]byte {
			return e[:outboxtest.Signed(t, e)]
		}},
		{"an older image", "journal.shortened", false, nil},
	} {
		if !t.Run(tt.name, func(t *testing.T) { b.in(t).changed(tt.code, tt.there, tt.change) }) {
			return // the others begin where this one should have ended
		}
	}
}

// checked is what penjire journal check says, as far as the test looks.
type checked struct {
	Answer, Witness string
	Index           int64
	Before          string `json:"not_before"`
	After           string `json:"not_after"`
}

func (b *bench) control() string { return filepath.Join(b.dir, "kiosk", "state", "control.sock") }

// check compares a receipt with a proof; "" is none.
func (b *bench) check(receipt, proof string, status int) checked {
	b.t.Helper()
	args := []string{"journal", "check", "--json", "--trust", b.dir + "/check", "--receipt", receipt}
	if proof != "" {
		args = append(args, proof)
	}
	out, st := b.penjire("", args...)
	var c checked
	if err := json.Unmarshal([]byte(out), &c); err != nil || status >= 0 && st != status {
		b.t.Fatalf("penjire journal check: status %d, want %d, %v\n%s", st, status, err, out)
	}
	return c
}

// refusedFor is why the portal refuses the kiosk's journal.
func (b *bench) refusedFor() string {
	b.t.Helper()
	out, _ := b.penjire("", "status", "--json", "--socket", b.control())
	var s struct{ Uplink struct{ Journal string } }
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return ""
	}
	return s.Uplink.Journal
}

// alarms are the codes that the portal has raised.
func (b *bench) alarms() map[string]bool {
	b.t.Helper()
	r, err := http.Get(b.state().Portal.URL + "/api/state")
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	var s struct{ Alarms []struct{ Code string } }
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		b.t.Fatal(err)
	}
	out := map[string]bool{}
	for _, a := range s.Alarms {
		out[a.Code] = true
	}
	return out
}

func (b *bench) changed(code string, there bool, change func(*testing.T, [][]byte) [][]byte) {
	t, file := b.t.(*testing.T), filepath.Join(b.dir, "kiosk", "state", "outbox", "outbox.db")
	says := func(s state, code string) bool { return s.Kiosk.Says != nil && s.says(code) }
	b.power("cut")
	image, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b.power("on")
	up := func() state {
		return b.wait("the kiosk is up", func(s state) bool { return s.Kiosk.Says != nil && s.Kiosk.Says.Devices.Net == "good" })
	}
	up()

	b.card("insert", "citizen-1")
	p := b.begin("tk").choose("residence-certificate").fill(answers).sign()
	p.done()
	p.says(phrase.In("tk").Get("paper.printed"))
	receipt, proof := b.paper(), filepath.Join(t.TempDir(), "proof.json")
	p.leave("citizen-1")
	b.wait("everything is sent", func(s state) bool { return s.Kiosk.Says != nil && s.Kiosk.Says.Queue.Unsent == 0 })
	b.power("cut") // a session begins with the journal's head: nobody has to wait until one is due
	b.power("on")
	up()
	var c checked
	b.until("a witnessed proof", func() bool {
		if out, st := b.penjire("", "journal", "prove", "--socket", b.control(), "--out", proof, receipt); st != 0 {
			t.Fatalf("penjire journal prove: status %d\n%s", st, out)
		}
		c = b.check(receipt, proof, 0)
		return c.Witness != "" && c.Before != "" && c.After != ""
	}, func() string { return c.Answer })
	if c.Answer != "consistent" {
		t.Errorf("the receipt and the proof are %s, want consistent", c.Answer)
	}
	hexed := up().Kiosk.Says.Queue.Epoch
	epoch, err := hex.DecodeString(hexed)
	if err != nil || len(epoch) != 16 {
		t.Fatalf("epoch %q: %v", hexed, err)
	}

	b.power("cut")
	if change != nil {
		outboxtest.Rewrite(t, file, [16]byte(epoch), func(e [][]byte) [][]byte { return change(t, e) })
	} else if err := os.WriteFile(file, image, 0o600); err != nil {
		t.Fatal(err)
	}
	heads, err := filepath.Glob(filepath.Join(b.dir, "kiosk", "state", "evidence", "*.head"))
	if err != nil || len(heads) == 0 {
		t.Fatalf("evidence on the medium: %v, %v", heads, err)
	}
	for _, h := range heads {
		if err := os.Remove(h); err != nil {
			t.Fatal(err)
		}
	}
	b.power("on")
	b.wait("the kiosk was shown what its journal contradicts", func(s state) bool { return says(s, "outbox.restored") })
	if got := b.refusedFor(); got != code {
		t.Errorf("the portal refuses the journal for %q, want %s", got, code)
	}
	if !b.alarms()[code] {
		t.Errorf("the portal's alarms are %v, want %s", b.alarms(), code)
	}
	b.condemned(receipt, there)
	b.verifyHead(filepath.Join(b.dir, "kiosk", "state", "contradicted.head"))
	if c := b.check(receipt, proof, 0); c.Answer != "consistent" {
		t.Errorf("the proof from before says %s, want consistent still", c.Answer)
	}

	// Restarted it goes on under another journal, and the portal has noted that.
	b.power("cut")
	b.power("on")
	b.wait("the kiosk goes on", func(s state) bool {
		return s.Kiosk.Says != nil && s.Kiosk.Says.Queue.Epoch != hexed && !says(s, "outbox.restored") && s.Kiosk.Says.Devices.Net == "good"
	})
	b.until("the alarm of the new journal", func() bool { return b.alarms()["journal.replaced"] }, func() string { return b.log.String() })
}

// condemned has the receipt stand against the changed journal: with the proof
// that the kiosk itself gives of that place, or alone, where it has none; there
// says that it must have one.
func (b *bench) condemned(receipt string, there bool) {
	b.t.Helper()
	own, answer, status := filepath.Join(b.t.TempDir(), "own.json"), "contradiction", 1
	if out, st := b.penjire("", "journal", "prove", "--socket", b.control(), "--out", own, receipt); st != 0 {
		if there {
			b.t.Errorf("penjire journal prove: status %d\n%s", st, out)
		}
		own, answer, status = "", "accepted", 0
	}
	if c := b.check(receipt, own, status); c.Answer != answer {
		b.t.Errorf("the receipt beside the changed journal says %s, want %s", c.Answer, answer)
	}
}

// verifyHead checks both signatures under a head with openssl, as outbox.md,
// section 8, has it.
func (b *bench) verifyHead(head string) {
	b.t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		b.without("openssl", "the head that contradicts a journal")
		return
	}
	const script = `set -e
cd "$(mktemp -d)"
sed '/^$/,$d' "$1" > text
sed -n "s/^— $2 //p" "$1" | base64 -d | tail -c +5 > sig
openssl cms -verify -binary -inform DER -in sig -content text -certfile "$3" -noverify -out /dev/null
rm text sig; rmdir "$PWD"
`
	for name, cert := range map[string]string{"K-000001": "kiosk/signing.crt", "portal.specimen": "portal/receipt.crt"} {
		if out, err := exec.Command("sh", "-c", script, "sh", head, name, filepath.Join(b.dir, cert)).CombinedOutput(); err != nil {
			b.t.Errorf("openssl and the signature of %s: %v\n%s", name, err, out)
		}
	}
}
