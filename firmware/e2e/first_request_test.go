package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestPromise_TheFirstRequestGoesAllTheWay asks for a certificate of residence
// with the network up: receipt, portal, desk, the citizen's return, certified
// copy; and checks document and printed seal with independent tools.
func TestPromise_TheFirstRequestGoesAllTheWay(t *testing.T) {
	b := startBench(t)
	b.card("insert", "citizen-1")
	p := b.begin("tk").choose("residence-certificate").fill(answers).sign()
	code := p.done()
	receipt := b.paper()
	p.leave("citizen-1")

	b.wait("the portal's receipt", func(s state) bool { return s.Queue["registered"] == 1 })
	r := b.request(code)
	if v := r.Verification; r.State != "registered" || v.Whole.Verdict != "yes" || v.Signer.Verdict != "yes" {
		t.Fatalf("the portal has the request as %+v, want registered, whole and signed", r)
	}
	b.answerAs(r, "answer", "")
	b.wait("the answer at the kiosk", func(s state) bool { return s.Queue["answered"] == 1 })

	b.card("insert", "citizen-1")
	p = b.begin("tk").open()
	p.act("print")
	var seal string
	b.until("the copy on paper", func() bool { seal = b.paper(); return seal != receipt }, func() string { return seal })
	p.on("answer")
	p.leave("citizen-1")

	for name, s := range map[string]string{"receipt": receipt, "copy": seal} {
		if out, status := b.penjire("", "verify", "--trust", b.dir+"/check", s); status != 0 {
			t.Errorf("penjire verify of the %s's seal: status %d\n%s", name, status, out)
		}
		at := strings.Index(s, "/V/")
		if at < 0 {
			t.Fatalf("the %s's code says %q, want an address with /V/", name, s)
		}
		if text := b.public(s[at:]); !strings.Contains(text, "✓") && !strings.Contains(text, "Hawa") {
			t.Logf("public page of the %s:\n%s", name, text)
		}
	}
	b.oneOfEach(1)
}

// TestPromise_Provable_AnyoneCanCheck takes a request from the portal and
// checks it with stock tools, by the documented script, and with penjire.
func TestPromise_Provable_AnyoneCanCheck(t *testing.T) {
	b := startBench(t)
	for _, peer := range []string{"openssl", "unzip", "xmllint"} {
		if _, err := exec.LookPath(peer); err != nil {
			b.without(peer, "a request checked with stock tools")
		}
	}
	b.card("insert", "citizen-2")
	p := b.begin("ru").choose("residence-certificate").fill(answers).sign()
	code := p.done()
	b.wait("registered", func(s state) bool { return s.Queue["registered"] == 1 })
	file := b.container(b.request(code))
	if out, err := exec.Command("../../sync/spec/verify.sh", file, b.dir+"/check/centres.pem", b.dir+"/check/lists.pem").CombinedOutput(); err != nil {
		t.Errorf("verify.sh: %v\n%s", err, out)
	}
	if out, status := b.penjire("", "verify", "--trust", b.dir+"/check", file); status != 0 {
		t.Errorf("penjire verify: status %d\n%s", status, out)
	}

	// The same tools refuse it when one byte is another.
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(string(whole), `"purpose":"work"`, `"purpose":"walk"`, 1)
	if bad == string(whole) {
		bad = string(whole[:len(whole)/2]) + "x" + string(whole[len(whole)/2+1:])
	}
	if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, status := b.penjire("", "verify", "--trust", b.dir+"/check", file); status != 1 {
		t.Errorf("penjire verify of a changed document: status %d, want 1\n%s", status, out)
	}
	if err := exec.Command("../../sync/spec/verify.sh", file, b.dir+"/check/centres.pem", b.dir+"/check/lists.pem").Run(); err == nil {
		t.Error("verify.sh accepted a changed document")
	}
}

// TestPromise_NothingLost_NetworkCutBeforeTheVisit makes the whole visit
// without a connection.
func TestPromise_NothingLost_NetworkCutBeforeTheVisit(t *testing.T) {
	b := startBench(t)
	b.network("down")
	b.wait("the kiosk sees the cut", func(s state) bool { return s.Kiosk.Says != nil && s.Kiosk.Says.Devices.Net == "down" })
	b.card("insert", "citizen-2")
	p := b.begin("en").choose("residence-certificate").fill(answers).sign()
	p.done()
	if !strings.Contains(strings.ToLower(p.text), "waiting for a connection") {
		t.Errorf("the done page does not say «kept safely, waiting for a connection»:\n%s", p.text)
	}
	p.leave("citizen-2")
	if s := b.state(); s.Queue["accepted"] != 1 {
		t.Errorf("queue = %v, want one accepted", s.Queue)
	}
	b.network("up")
	b.wait("it arrives by itself", func(s state) bool { return s.Queue["registered"] == 1 })
	b.oneOfEach(1)
}

// TestComplaintNeedsNoCard sends a complaint as the document of the kiosk, the
// intermediary (dellal), and reads the answer by its code (EG-20.1.4).
func TestComplaintNeedsNoCard(t *testing.T) {
	b := startBench(t)
	p := b.begin("ru").choose("complaint").fill(answers)
	code := p.act("confirm").done()
	p.leave("")
	b.wait("registered", func(s state) bool { return s.Queue["registered"] == 1 })
	b.answerAs(b.request(code), "refuse", "Жалоба рассмотрена.")
	b.wait("answered", func(s state) bool { return s.Queue["refused"] == 1 })
	p = b.begin("ru")
	p.act("track").act("track", "code", strings.ToLower(code)).on("status")
	p.act("open").on("answer").says("Жалоба рассмотрена.")
	p.leave("")
}

// TestReturnedRequestIsCorrected has the agency return a request; the citizen
// corrects it and sends it again.
func TestReturnedRequestIsCorrected(t *testing.T) {
	b := startBench(t)
	b.card("insert", "citizen-3")
	p := b.begin("tk").choose("job-seeker").fill(answers).sign()
	code := p.done()
	p.leave("citizen-3")
	b.wait("registered", func(s state) bool { return s.Queue["registered"] == 1 })
	b.answerAs(b.request(code), "return", "Telefon belgiňizi ýazyň.")
	b.wait("returned", func(s state) bool { return s.Queue["returned"] == 1 })

	b.card("insert", "citizen-3")
	p = b.begin("tk").open().says("Telefon belgiňizi ýazyň.")
	p.act("correct").on("service")
	p.toQuestions().fill(answers).sign()
	second := p.done()
	p.leave("citizen-3")
	if second == code {
		t.Error("the corrected request has the code of the returned one")
	}
	b.wait("both", func(s state) bool { return s.Queue["registered"] == 1 && s.Queue["returned"] == 1 })
	b.oneOfEach(2)
}

// oneOfEach checks promise 2: the portal has n requests, no two with one code.
func (b *bench) oneOfEach(n int) {
	b.t.Helper()
	rs, seen := b.requests(), map[string]bool{}
	for _, r := range rs {
		if seen[r.Doc] || seen[r.Code] {
			b.t.Errorf("request %s is at the portal twice", r.Code)
		}
		seen[r.Doc], seen[r.Code] = true, true
	}
	if len(rs) != n {
		b.t.Errorf("the portal has %d requests, want %d: %s", len(rs), n, describe(rs))
	}
}
