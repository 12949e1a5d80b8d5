package desk

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page"
)

// TestKiosks has an operator look at the fleet. Who only answers requests has no
// such page, and an operator without an agency sees no request.
func TestKiosks(t *testing.T) {
	o := openOffice(t)
	b := o.browser(t).signIn("serdar")
	wants1(t, "the page before any kiosk", b.get("/desk/kiosks", 200), "No kiosk has connected yet", "No kiosk has raised an alarm")
	l, ctx := o.Ledger(), t.Context()
	visit := ledger.Visit{Epoch: ledger.Epoch{1}, At: noon.Add(-30 * time.Hour), Software: "0.3.0", Unsent: 2, Oldest: noon.Add(-40 * time.Hour)}
	if err := l.Visited(ctx, "K-000001", visit); err != nil {
		t.Fatal(err)
	}
	if err := l.Raise(ctx, ledger.Alarm{At: noon, Kiosk: "K-000001", Code: ledger.AlarmShortened, Note: "kept size 9"}); err != nil {
		t.Fatal(err)
	}
	wants1(t, "the page", b.get("/desk/kiosks", 200), "K-000001", "The journal became shorter", "kept size 9", "the oldest from 40 hours ago", "30 hours ago", "Operator of the kiosks")

	for _, path := range []string{"/desk/requests", "/desk/requests/" + o.residence, "/desk/requests/" + o.residence + "/container", "/desk/requests/" + o.complaint} {
		if w := b.send("GET", path, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/desk/kiosks" {
			t.Errorf("%s for an operator without an agency = %d, want to be led to the kiosks", path, w.Code)
		}
	}
	for _, path := range []string{"/api/desk/requests", "/api/desk/requests?agency=", "/api/desk/requests/" + o.residence} {
		if w := b.send("GET", path, nil); w.Code != http.StatusForbidden {
			t.Errorf("%s for an operator without an agency = %d, want %d", path, w.Code, http.StatusForbidden)
		}
	}
	both := o.browser(t).signIn("jeren")
	wants1(t, "the list of who is both", both.get("/desk/requests", 200), `href="/desk/kiosks"`)
	wants1(t, "the kiosks of who is both", both.get("/desk/kiosks", 200), `href="/desk/requests"`)
	officer := o.browser(t).signIn("myrat")
	officer.get("/desk/kiosks", http.StatusNotFound)
	if strings.Contains(officer.get("/desk/requests", 200), "/desk/kiosks") {
		t.Error("an officer is led to a page that there is not")
	}
	if w := o.browser(t).send("GET", "/desk/kiosks", nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/desk/sign-in" {
		t.Errorf("the kiosks without signing in = %d, want the sign-in page", w.Code)
	}
	if err := (Officer{ID: "a", Name: "A", Password: testOfficers()[0].Password}).check(); err == nil {
		t.Error("an officer without an agency who is no operator is taken")
	}
}

// TestAlarmWords wants words and a line in the runbook for every code that the
// ledger has, and for no other.
func TestAlarmWords(t *testing.T) {
	src, err := os.ReadFile("../../ledger/alarm.go")
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, m := range regexp.MustCompile(`(?m)^\tAlarm[A-Z]\w* = "([^"]+)"`).FindAllStringSubmatch(string(src), -1) {
		codes = append(codes, m[1])
	}
	if len(codes) < 9 || !slices.Equal(slices.Sorted(slices.Values(codes)), slices.Sorted(slices.Values(ledger.AlarmCodes))) {
		t.Fatalf("the constants of package ledger are %v, AlarmCodes has %v", codes, ledger.AlarmCodes)
	}
	book, err := os.ReadFile("../../../firmware/docs/runbooks/alarms.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z.]+)` \\| [^|]+ \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(string(book), -1) {
		rows[m[1]] = true
	}
	d := testDesk(t, nil)
	for _, c := range codes {
		for _, lang := range page.Codes {
			for _, key := range []string{"alarm." + c, "do." + c} {
				if s, err := d.texts.Say(lang, key); err != nil || s == "" {
					t.Errorf("%s has no words %q in %s: %v", c, key, lang, err)
				}
			}
		}
		if !rows[c] {
			t.Errorf("%s has no line in the runbook", c)
		}
		delete(rows, c)
	}
	for c := range rows {
		t.Errorf("the runbook has %s, which no portal raises", c)
	}
}
