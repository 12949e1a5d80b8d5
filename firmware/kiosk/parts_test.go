package kiosk

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/ui/screen"
)

// What the portal handed down is kept over a start; an older one is refused,
// and a damaged file falls back to what the kiosk came with.
func TestKnowledge(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	r.must(makeFolder(s.State))
	open := func() *knowledge {
		n, err := openKnowledge(s, r.w.Roots(), slog.New(slog.NewTextHandler(r.log, nil)))
		r.must(err)
		return n
	}
	n := open()
	old := r.w.Bundle()
	r.must(r.w.Reissue())
	r.must(n.learn(trustFile, r.w.Bundle(), n.takeTrust))
	newer := n.trust().Version
	n = open()
	if got := n.trust().Version; got != newer {
		t.Errorf("trust bundle after a start: got version %d, want %d", got, newer)
	}
	if err := n.learn(trustFile, old, n.takeTrust); !errors.Is(err, uplink.ErrUnacceptable) {
		t.Errorf("an older bundle = %v, want ErrUnacceptable", err)
	}
	if err := n.learn(catalogueFile, r.w.Bundle(), n.takeCatalogue); !errors.Is(err, uplink.ErrUnacceptable) {
		t.Errorf("a trust bundle as a catalogue = %v, want ErrUnacceptable", err)
	}
	r.must(os.WriteFile(filepath.Join(s.State, trustFile), []byte("damaged"), 0o600))
	if got := open().trust().Version; got != newer-1 {
		t.Errorf("trust bundle with a damaged file: got version %d, want %d", got, newer-1)
	}
}

// What could not be kept is not in force: the portal hands down nothing that the
// kiosk says it has, and at the next start it would have it no more.
func TestKnowledgeNotKept(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	r.must(makeFolder(s.State))
	n, err := openKnowledge(s, r.w.Roots(), slog.New(slog.DiscardHandler))
	r.must(err)
	have := n.trust().Version
	r.must(r.w.Reissue())
	n.dir = filepath.Join(s.State, "gone")
	if err := n.learn(trustFile, r.w.Bundle(), n.takeTrust); err == nil || errors.Is(err, uplink.ErrUnacceptable) {
		t.Errorf("learn without a folder = %v, want an error after which it comes again", err)
	}
	if got := n.trust().Version; got != have {
		t.Errorf("trust bundle that was not kept: got version %d in force, want %d", got, have)
	}
	n.dir = s.State
	r.must(n.learn(trustFile, r.w.Bundle(), n.takeTrust))
}

// A catalogue signed by anyone but the register is no catalogue.
func TestCatalogueOfAnother(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	r.must(makeFolder(s.State))
	n, err := openKnowledge(s, r.w.Roots(), slog.New(slog.DiscardHandler))
	r.must(err)
	c := *n.catalogue()
	c.Version++
	payload, err := c.Marshal()
	r.must(err)
	signed, err := trust.SignObjectAt(trust.KindCatalogue, payload, r.w.Device.Signing.Signer(), r.w.Made)
	r.must(err)
	if err := n.takeCatalogue(signed); !errors.Is(err, uplink.ErrUnacceptable) {
		t.Errorf("a catalogue signed by a kiosk = %v, want ErrUnacceptable", err)
	}
}

func TestOwnerKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	k, err := openOwnerKey(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := openOwnerKey(path)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := citizen.ParseID("SPEC000001")
	other, _ := citizen.ParseID("SPEC000002")
	if k.of(id) != again.of(id) || k.of(id) == k.of(other) {
		t.Error("a pseudonym does not follow from key and identifier alone")
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openOwnerKey(path); err == nil {
		t.Error("a damaged key was taken, or replaced: everyone's requests would be hidden")
	}
}

// A service that did not exist when the kiosk was built comes down from the
// portal and works, without a start and without a line of code.
func TestServiceNeverSeenBefore(t *testing.T) {
	r := newRig(t)
	tx := func(s string) catalog.Text { return catalog.Text{TK: s, RU: s, EN: s} }
	r.packs = []*catalog.Pack{{Schema: catalog.SchemaPack, Services: []catalog.Service{{
		Schema: catalog.SchemaService, ID: "well-water", Version: 1, Kind: "interactive", Agency: "civil-registry",
		Field: "economic", Direction: "state-citizen", Icon: "home", Title: tx("Well"), Summary: tx("A well"),
		Regulation: catalog.Regulation{Title: tx("Regulation"), Number: "1", Date: "2026-01-01"}, TermDays: 3,
		Identification: catalog.IdentifyCard,
		Rules:          []catalog.Rule{{ID: "consent", Version: 1, Title: tx("Consent"), Text: tx("Consent")}},
		Survey: []catalog.Row{
			{Type: "text", Name: "what", Label: tx("Where?"), Required: true},
			{Type: "integer", Name: "depth", Label: tx("How deep?"), Required: true, Constraint: ". > 0", ConstraintMessage: tx("More")},
		},
		Result: catalog.Result{Kind: catalog.ResultInformation, Document: "reply", Title: tx("Answer")},
	}}}}
	r.start()
	before := r.state().Catalogue.Version
	r.online(nil)
	r.until("the newer catalogue", func() bool { return r.state().Catalogue.Version > before })
	r.begin("en")
	r.do("apply")
	r.do("choose", "service", "well-water")
	r.do("begin")
	r.rules()
	r.insert("citizen-3")
	r.on(screen.IsThisYou)
	r.do("yes")
	r.fill()
	r.do("confirm")
	r.on(screen.PIN)
	r.do("pin", "pin", r.pin("citizen-3"))
	r.on(screen.Done)
	r.until("the portal to take it", func() bool { return r.state().Queue.ByState["registered"] == 1 })
	r.leave()
}

// The state page tells nothing about anyone.
func TestStateNamesNoOne(t *testing.T) {
	r := newRig(t)
	r.start()
	r.toPIN("citizen-1")
	body := r.rawState()
	c, _ := r.w.Card("citizen-1")
	for _, s := range []string{c.Holder.ID.Reveal(), c.Holder.Surname.Reveal(), c.Holder.Name.Reveal(), answers["phone"]} {
		if s != "" && strings.Contains(body, s) {
			t.Error("the state page holds personal data")
		}
	}
	if !strings.Contains(body, "K-000001") {
		t.Error("the state page was not read")
	}
	r.leave()
}

// The codes that the session writes out are those of packages trust, edoc and
// portal, and none that the portal can refuse a request with is without words.
func TestReasonCodes(t *testing.T) {
	for code, want := range map[string]string{
		trust.ReasonExpired: "reason.expired", trust.ReasonExpiredSince: "reason.expired", trust.ReasonNotYet: "reason.expired",
		trust.ReasonSuspended: "reason.suspended", trust.ReasonRevoked: "reason.revoked", trust.ReasonRevokedSince: "reason.revoked",
		trust.ReasonForeign: "reason.foreign", trust.ReasonCentreSuspended: "reason.foreign", trust.ReasonCentreEnded: "reason.foreign",
		trust.ReasonWrongUse: "reason.certificate", edoc.ReasonNotSender: "reason.sender", edoc.ReasonChanged: "reason.damaged",
		portal.ReasonService: "reason.service", portal.ReasonMalformed: "reason.damaged", portal.ReasonIdentify: "reason.identification",
		portal.ReasonAnswerTo: "reason.answer", portal.ReasonDoubt: "reason.doubt", "of.a.newer.portal": "reason.other",
	} {
		if got := session.ReasonKey(code); got != want {
			t.Errorf("ReasonKey(%q) = %q, want %q", code, got, want)
		}
	}
	re := regexp.MustCompile(`Reason\w+\s+= "([^"]+)"`)
	for file, least := range map[string]int{"edoc/trust/finding.go": 14, "edoc/edoc.go": 8, "portal/decide.go": 9} {
		b, err := os.ReadFile(filepath.Join("..", "..", "sync", file))
		if err != nil {
			t.Fatal(err)
		}
		found := re.FindAllSubmatch(b, -1)
		if len(found) < least {
			t.Errorf("%s: found %d reasons, want %d or more", file, len(found), least)
		}
		for _, m := range found {
			// A time stamp that is none is no reason to refuse (ED-VER-8).
			code := string(m[1])
			if code == trust.ReasonOK || strings.HasPrefix(code, "stamp.") {
				continue
			}
			key := session.ReasonKey(code)
			if key == "reason.other" {
				t.Errorf("%s: reason %q has no words on the kiosk", file, code)
			}
			if !slices.Contains(session.Reasons, key) {
				t.Errorf("session.Reasons lacks %s", key)
			}
		}
	}
}

// Pages that were let go are read again as they were.
func TestLetGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	want := bytes.Repeat([]byte("penjire "), 1<<17)
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	m, err := unix.Mmap(int(f.Fd()), 0, len(want), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(m) }()
	if !bytes.Equal(m, want) {
		t.Fatal("the file is not mapped as it was written")
	}
	if err := letGo(path); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m, want) {
		t.Error("pages that were let go came back different")
	}
	if err := letGo(path + "x"); err == nil {
		t.Error("letGo of a file that is not there succeeded")
	}
}
