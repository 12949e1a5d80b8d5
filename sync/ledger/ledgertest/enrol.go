package ledgertest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// Code is a one-time code of the suite, of a kiosk of its own, good for two days.
func Code(n byte) ledger.Code {
	return ledger.Code{
		ID: ledger.CodeID{0xC0, n}, Kiosk: "K-90000" + string('0'+n), Proof: []byte{1, n}, Chip: n == 1,
		Made: start, Until: start.Add(48 * time.Hour), By: "operator 1",
	}
}

// Certify makes certificates that tell what they are for and differ at each call.
func Certify(n byte) func(string, *ledger.Code, []ledger.Wanted) ([]ledger.Certificate, error) {
	calls := byte(0)
	return func(_ string, _ *ledger.Code, want []ledger.Wanted) (out []ledger.Certificate, _ error) {
		for _, w := range want {
			calls++
			out = append(out, ledger.Certificate{
				Serial: [20]byte{n, calls}, Use: w.Use, Key: w.Key, From: start, Until: start.AddDate(0, 0, 90), DER: []byte{'c', n, calls},
			})
		}
		return out, nil
	}
}

// unwanted fails where a certificate is made that should be there already.
func unwanted(string, *ledger.Code, []ledger.Wanted) ([]ledger.Certificate, error) {
	return nil, errors.New("a certificate was to be made")
}

var (
	identityKey = ledger.Wanted{Use: ledger.CertIdentity, Key: [32]byte{1}}
	signingKey  = ledger.Wanted{Use: ledger.CertSigning, Key: [32]byte{2}}
)

func byCode(n byte, at time.Time, want ...ledger.Wanted) ledger.Asking {
	id := Code(n).ID
	if want == nil {
		want = []ledger.Wanted{identityKey}
	}
	return ledger.Asking{At: at, Code: &id, Again: 24 * time.Hour, Want: want}
}

func byEarlier(c ledger.Certificate, at time.Time, want ...ledger.Wanted) ledger.Asking {
	return ledger.Asking{At: at, Earlier: &c.Serial, Kiosk: c.Kiosk, Want: want}
}

func same(a, b ledger.Certificate) bool {
	return a.Serial == b.Serial && bytes.Equal(a.DER, b.DER) && a.Use == b.Use && a.Key == b.Key && a.Kiosk == b.Kiosk
}

// enrolment: a code brings one certificate of each use, the same one again for the
// same key, and none for another; a certificate brings its successors.
func enrolment(t *testing.T, open Opener) {
	var first []ledger.Certificate
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		issue := func(a ledger.Asking, n byte) []ledger.Certificate {
			t.Helper()
			return must[[]ledger.Certificate](t)(l.Issue(ctx, a, Certify(n)))
		}
		refuse := func(what string, a ledger.Asking, want error) {
			t.Helper()
			if _, err := l.Issue(ctx, a, unwanted); !errors.Is(err, want) {
				t.Errorf("Issue for %s = %v, want %v", what, err, want)
			}
		}
		refuse("a code that was never made", byCode(0, start), ledger.ErrNoCode)
		for n := range byte(4) {
			ok(t, l.NewCode(ctx, Code(n)))
		}
		if l.NewCode(ctx, Code(0)) == nil {
			t.Error("NewCode of one that is there = nil, want an error")
		}
		first = issue(byCode(0, start.Add(time.Hour), identityKey, signingKey), 0)
		if len(first) != 2 || first[0].Use != ledger.CertIdentity || first[1].Use != ledger.CertSigning || first[0].Kiosk != Code(0).Kiosk ||
			first[0].Code == nil || *first[0].Code != Code(0).ID || first[0].Serial == first[1].Serial {
			t.Fatalf("Issue = %+v, want an identity and a signing certificate", first)
		}
		other := ledger.Wanted{Use: ledger.CertIdentity, Key: [32]byte{9}}
		refuse("another key", byCode(0, start.Add(time.Hour), other), ledger.ErrCodeUsed)
		refuse("another key among known ones", byCode(0, start.Add(time.Hour), signingKey, other), ledger.ErrCodeUsed)

		// A code that expires meanwhile still brings the lost answer, for a time.
		late := byCode(0, start.Add(49*time.Hour), identityKey)
		refuse("the lost answer, too late", late, ledger.ErrCodeExpired)
		late.Again = 72 * time.Hour
		if got, err := l.Issue(ctx, late, unwanted); err != nil || !same(got[0], first[0]) {
			t.Errorf("Issue for the lost answer = %v, %v; want the first certificate", got, err)
		}
		refuse("a code that has expired", byCode(1, start.Add(49*time.Hour)), ledger.ErrCodeExpired)
		ok(t, l.TakeBack(ctx, Code(2).ID, start))
		refuse("a code that was taken back", byCode(2, start), ledger.ErrNoCode)
		for _, id := range []ledger.CodeID{Code(2).ID, Code(0).ID, {1}} {
			if err := l.TakeBack(ctx, id, start); !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("TakeBack of a code that is used, ended or unknown = %v, want ErrNotFound", err)
			}
		}

		// Nothing of a failure stays.
		failed := errors.New("no signature")
		if _, err := l.Issue(ctx, byCode(3, start), func(string, *ledger.Code, []ledger.Wanted) ([]ledger.Certificate, error) {
			return nil, failed
		}); !errors.Is(err, failed) {
			t.Errorf("Issue whose signature fails = %v, want that", err)
		}
		if got := must[[]ledger.Code](t)(l.Codes(ctx, Code(3).Kiosk)); len(got) != 1 || !got[0].Used.IsZero() {
			t.Errorf("Codes after a failure = %+v, want one that is not used", got)
		}

		// Renewals: the same again is the same.
		next := ledger.Wanted{Use: ledger.CertIdentity, Key: [32]byte{3}}
		second := issue(byEarlier(first[0], start.AddDate(0, 0, 60), next), 1)
		if again, err := l.Issue(ctx, byEarlier(first[0], start.AddDate(0, 0, 61), next), unwanted); err != nil || !same(again[0], second[0]) {
			t.Errorf("Issue of the same renewal = %v, %v; want the same certificate", again, err)
		}
		sameKey := issue(byEarlier(second[0], start.AddDate(0, 0, 120), next), 2)
		if same(sameKey[0], second[0]) {
			t.Error("a renewal of the renewal is the same certificate, want a new one")
		}
		if _, err := l.Issue(ctx, ledger.Asking{At: start, Want: []ledger.Wanted{next}}, Certify(3)); err == nil {
			t.Error("Issue for nothing = nil, want an error")
		}
	})
	with(t, open, func(ctx context.Context, l ledger.Ledger) { // after a restart
		if got, err := l.Issue(ctx, byCode(0, start.Add(2*time.Hour), signingKey, identityKey), unwanted); err != nil || !same(got[0], first[1]) || !same(got[1], first[0]) {
			t.Errorf("Issue after a restart = %v, %v; want the first certificates", got, err)
		}
		got := must[[]ledger.Certificate](t)(l.Certificates(ctx, Code(0).Kiosk))
		if len(got) != 4 || got[0].Issued.Before(got[3].Issued) || got[0].Earlier == nil || !got[3].From.Equal(start) {
			t.Errorf("Certificates = %+v, want four, the newest first", got)
		}
		codes := must[[]ledger.Code](t)(l.Codes(ctx, ""))
		if len(codes) != 4 {
			t.Fatalf("Codes = %+v, want four", codes)
		}
		c := codes[slices.IndexFunc(codes, func(c ledger.Code) bool { return c.ID == Code(0).ID })]
		if one := must[ledger.Code](t)(l.Code(ctx, c.ID)); one.Kiosk != c.Kiosk || !one.Used.Equal(c.Used) {
			t.Errorf("Code = %+v, want %+v", one, c)
		}
		if _, err := l.Code(ctx, ledger.CodeID{1}); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Code of none = %v, want ErrNotFound", err)
		}
		if !c.Used.Equal(start.Add(time.Hour)) || c.Chip || !bytes.Equal(c.Proof, Code(0).Proof) || !c.Until.Equal(Code(0).Until) || c.By == "" {
			t.Errorf("the used code = %+v", c)
		}
	})
}

// enrolAtOnce has many kiosks use one code at once, each with a key of its own.
func enrolAtOnce(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		ok(t, l.NewCode(ctx, Code(0)))
		var mu sync.Mutex
		var won []ledger.Certificate
		var wg sync.WaitGroup
		for i := range byte(16) {
			wg.Go(func() {
				want := ledger.Wanted{Use: ledger.CertIdentity, Key: [32]byte{i / 2}} // each key twice
				got, err := l.Issue(ctx, byCode(0, start, want), Certify(i))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won = append(won, got...)
				case !errors.Is(err, ledger.ErrCodeUsed):
					t.Errorf("Issue of one among many = %v, want ErrCodeUsed", err)
				}
			})
		}
		wg.Wait()
		if len(won) != 2 || !same(won[0], won[1]) {
			t.Errorf("%d got a certificate, want the two with one key, and the same one: %+v", len(won), won)
		}
		if got := must[[]ledger.Certificate](t)(l.Certificates(ctx, "")); len(got) != 1 {
			t.Errorf("%d certificates are kept, want one", len(got))
		}
	})
}

// revokeKiosk ends everything that a kiosk has.
func revokeKiosk(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		spare := Code(1)
		spare.Kiosk = Code(0).Kiosk
		ok(t, l.NewCode(ctx, Code(0)))
		ok(t, l.NewCode(ctx, spare))
		if _, err := l.RevokeKiosk(ctx, "K-1", start, "lost", "operator 1"); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("RevokeKiosk of one without certificates = %v, want ErrNotFound", err)
		}
		first := must[[]ledger.Certificate](t)(l.Issue(ctx, byCode(0, start), Certify(0)))
		if yes := must[bool](t)(l.CertRevoked(ctx, first[0].Serial)); yes {
			t.Error("CertRevoked before the revocation = true")
		}
		if _, err := l.RevokeKiosk(ctx, spare.Kiosk, start, "", "operator 1"); err == nil {
			t.Error("RevokeKiosk without a reason = nil, want an error")
		}
		if n := must[int](t)(l.RevokeKiosk(ctx, spare.Kiosk, start.Add(time.Hour), "lost", "operator 1")); n != 1 {
			t.Errorf("RevokeKiosk = %d, want 1", n)
		}
		if yes := must[bool](t)(l.CertRevoked(ctx, first[0].Serial)); !yes {
			t.Error("CertRevoked = false, want true")
		}
		for what, c := range map[string]struct {
			a    ledger.Asking
			want error
		}{
			"the lost answer":    {byCode(0, start.Add(2*time.Hour)), ledger.ErrCertRevoked},
			"the spare code":     {byCode(1, start.Add(2*time.Hour)), ledger.ErrNoCode},
			"a renewal":          {byEarlier(first[0], start.Add(2*time.Hour), identityKey), ledger.ErrCertRevoked},
			"one of another use": {byEarlier(first[0], start.Add(2*time.Hour), signingKey), ledger.ErrCertRevoked},
		} {
			if _, err := l.Issue(ctx, c.a, unwanted); !errors.Is(err, c.want) {
				t.Errorf("Issue of a revoked kiosk for %s = %v, want %v", what, err, c.want)
			}
		}
		got := must[[]ledger.Certificate](t)(l.Certificates(ctx, spare.Kiosk))
		if len(got) != 1 || got[0].Reason != "lost" || got[0].By != "operator 1" || !got[0].Revoked.Equal(start.Add(time.Hour)) {
			t.Errorf("Certificates = %+v, want one that is revoked", got)
		}
		// A new code after it brings the kiosk back.
		back := Code(2)
		back.Kiosk = spare.Kiosk
		ok(t, l.NewCode(ctx, back))
		must[[]ledger.Certificate](t)(l.Issue(ctx, byCode(2, start.Add(3*time.Hour)), Certify(2)))
	})
}
