package update

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/release/releasetest"
)

// TestDifference fetches the pieces that the bundle of before has not, and no others.
func TestDifference(t *testing.T) {
	s := newShop(t)
	s.keeps(s.old)
	u := s.open()
	st := s.fetched(u)
	want := s.x.Beyond(indexOfBefore(t))
	if s.sent.Load() != want || want > s.x.Size/4 {
		t.Errorf("%d bytes of the bundle went over the link, want the %d that are new", s.sent.Load(), want)
	}
	if got := s.parts.Load(); got < 2 || got > 3 { // three edits; neighbours go together
		t.Errorf("they went in %d requests, want one for each place", got)
	}
	if index := int64(len(s.marshalled(s.x))); st.Fetch != want+index || u.state().Spent.Bytes != want+index || st.Whole != "" {
		t.Errorf("Status says %d (%s), the day counts %d, want %d and the %d of the index", st.Fetch, st.Whole, u.state().Spent.Bytes, want, index)
	}
	if r := u.Status().Report; r.Fetch != st.Fetch || r.Fetched != st.Fetched {
		t.Errorf("the portal is told %d of %d", r.Fetched, r.Fetch)
	}
}

// TestRealBundles measures two bundles that were built: PENJIRE_BUNDLES=before:after.
// The numbers of record 46 are from here.
func TestRealBundles(t *testing.T) {
	names := filepath.SplitList(os.Getenv("PENJIRE_BUNDLES"))
	if len(names) != 2 {
		t.Skip("LEFT OUT: a difference between two bundles that were built: make nightly has it (PENJIRE_BUNDLES=before:after)")
	}
	s := newShop(t)
	s.limit = 10 * time.Minute
	b, err := os.ReadFile(names[1])
	if err == nil {
		s.publish(3, b)
		b, err = os.ReadFile(names[0])
	}
	if err != nil {
		t.Fatal(err)
	}
	s.keeps(b)
	start := time.Now()
	st := s.fetched(s.open())
	t.Logf("%d bytes, %d pieces: an index of %d bytes; %d bytes of the bundle in %d requests; %.2f %% in all; %v",
		s.x.Size, len(s.x.Pieces), len(s.marshalled(s.x)), s.sent.Load(), s.parts.Load(), 100*float64(st.Fetched)/float64(st.Size), time.Since(start))
}

// TestDifferenceOverBadLink has the link go again and again, and the daemon start anew:
// what is durable is not fetched twice.
func TestDifferenceOverBadLink(t *testing.T) {
	s := newShop(t)
	s.publish(3, slices.Concat(s.old[:800_000], random(9, 1_600_000), s.old[1_200_000:]))
	s.keeps(s.old)
	s.after = 900_000
	s.cuts.Store(2)
	u := s.open()
	s.live(u, "the link was cut", func(st Status) bool { return s.cuts.Load() <= 0 && st.Report.Have > 1<<20 })
	u = s.open()
	s.fetched(u)
	if got, most := s.sent.Load(), s.x.Beyond(indexOfBefore(t))+3*release.ChunkSize; got > most {
		t.Errorf("%d bytes went over the link, want %d at most", got, most)
	}
}

// TestNoDifference has things be other than they should: all of them end in the right
// bundle, and say why it was fetched whole if it was.
func TestNoDifference(t *testing.T) {
	answers := func(code int, body []byte) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(code)
			_, _ = w.Write(body)
		}
	}
	for _, tt := range []struct {
		name  string
		set   func(s *shop)
		whole release.Whole
		most  int64 // of the bundle's bytes over the link, in percent
		asked int64 // how often for an index, at most
	}{
		{"no bundle is kept", func(*shop) {}, release.WholeBase, 100, 0},
		{"an empty one", func(s *shop) { s.keeps(nil) }, release.WholeBase, 100, 1},
		{"another one", func(s *shop) { s.keeps(random(50, 500_000)) }, release.WholeBase, 100, 1},
		{"half of it", func(s *shop) { s.keeps(s.old[:len(s.old)/2]) }, "", 70, 1},
		{"bits of it are wrong", func(s *shop) {
			b := bytes.Clone(s.old)
			for i := 300_000; i < len(b); i += 1_200_000 {
				b[i] ^= 1
			}
			s.keeps(b)
		}, "", 50, 1},
		{"a folder in its place", func(s *shop) {
			if err := os.MkdirAll(filepath.Join(s.dir, baseFile), 0o700); err != nil {
				s.t.Fatal(err)
			}
		}, release.WholeBase, 100, 1},
		{"an older portal", func(s *shop) { s.keeps(s.old); s.index = answers(404, []byte("404 page not found\n")) }, release.WholeIndex, 100, 1},
		{"a portal that fails", func(s *shop) { s.keeps(s.old); s.index = answers(500, nil) }, release.WholeIndex, 100, maxIndexTries},
		{"an index that is cut", func(s *shop) {
			s.keeps(s.old)
			b := s.marshalled(s.x)
			s.index = answers(200, b[:len(b)/2])
		}, release.WholeIndex, 100, 1},
		{"an endless index", func(s *shop) {
			s.keeps(s.old)
			s.index = answers(200, make([]byte, 1<<20))
		}, release.WholeIndex, 100, 1},
		{"the index of another bundle", func(s *shop) { s.keeps(s.old); s.index = answers(200, s.marshalled(indexOfBefore(s.t))) }, release.WholeIndex, 100, 1},
		{"the index is cut off once", func(s *shop) {
			s.keeps(s.old)
			s.index = func(w http.ResponseWriter, r *http.Request, portal http.Handler) {
				s.index = nil
				w.Header().Set("Content-Length", "400")
				_, _ = w.Write([]byte("x"))
				panic(http.ErrAbortHandler)
			}
		}, "", 25, 2},
		{"an index that lies from the beginning", func(s *shop) {
			s.publish(3, slices.Concat(random(40, 100_000), s.old[100_000:]))
			s.keeps(s.old)
			lie := *indexOfBefore(s.t) // that everything is as before
			lie.SHA256 = s.x.SHA256
			s.index = answers(200, s.marshalled(&lie))
		}, release.WholeDamaged, 100, 1},
		{"an index that lies of the end", func(s *shop) {
			s.publish(3, slices.Concat(s.old[:2_500_000], random(40, 100_000)))
			s.keeps(s.old)
			lie := *indexOfBefore(s.t)
			lie.SHA256 = s.x.SHA256
			s.index = answers(200, s.marshalled(&lie))
		}, release.WholeDamaged, 25, 1},
		{"an index that calls all of it new", func(s *shop) {
			s.keeps(s.old)
			lie := *s.x
			lie.Pieces = slices.Clone(lie.Pieces)
			for i := range lie.Pieces {
				lie.Pieces[i].Digest[0] ^= 1
			}
			s.index = answers(200, s.marshalled(&lie))
		}, release.WholeBase, 100, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t)
			tt.set(s)
			st := s.fetched(s.open())
			if st.Whole != tt.whole {
				t.Errorf("it says %q, want %q", st.Whole, tt.whole)
			}
			if got := s.sent.Load(); got > s.x.Size*tt.most/100 {
				t.Errorf("%d of %d bytes went over the link, want %d percent at most", got, s.x.Size, tt.most)
			}
			if got := s.asked.Load(); got > tt.asked {
				t.Errorf("the index was asked for %d times, want %d at most", got, tt.asked)
			}
		})
	}
}

// TestBaseSwapped changes the bundle of before after it was looked through: what is not
// there any more is fetched.
func TestBaseSwapped(t *testing.T) {
	for name, other := range map[string][]byte{"another": random(60, 2_600_000), "nothing": nil, "half": before()[:1_300_000]} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.keeps(s.old)
			s.after = 50_000
			s.cuts.Store(1)
			u := s.open()
			s.live(u, "it was looked through", func(Status) bool { return s.cuts.Load() <= 0 })
			if u.plan == nil || !u.plan.made || u.plan.whole != "" {
				t.Fatalf("the plan is %+v, want one", u.plan)
			}
			s.keeps(other)
			s.fetched(u)
			if got := s.parts.Load(); got > 2*maxBadPieces {
				t.Errorf("the rest went in %d requests, want few", got)
			}
		})
	}
}

// TestAssembleAtRandom puts bundles together from damaged ones of before, from any byte
// on: whatever is there, what comes is right.
func TestAssembleAtRandom(t *testing.T) {
	s := newShop(t)
	seed := rand.Uint64()
	t.Logf("seed: %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	signed := s.w.Sign(t, s.w.Release(t, 2, s.bundle))
	rel, _, err := release.Open(signed, s.w.Keys)
	if err != nil {
		t.Fatal(err)
	}
	u := s.open()
	s.live(u, "the portal knows the kiosk", func(st Status) bool { return st.Asked })
	for range 12 {
		b := bytes.Clone(s.old)
		for range r.IntN(6) {
			b[r.IntN(len(b))] ^= 1
		}
		s.keeps(b[:r.IntN(len(b))+1])
		u.plan = nil
		u.s.Whole = ""
		p, err := u.planFor(t.Context(), rel)
		if err != nil {
			t.Fatal(err)
		}
		from := r.Int64N(rel.Content.Size)
		left, sent := p.left(from), s.sent.Load()
		in, err := u.assemble(t.Context(), rel, p, from)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := got.ReadFrom(in); err != nil {
			t.Fatal(err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(got.Bytes(), s.bundle[from:]) {
			t.Errorf("from byte %d come %d other bytes", from, got.Len())
		}
		if n := s.sent.Load() - sent; n != left {
			t.Errorf("from byte %d %d bytes went over the link, want %d", from, n, left)
		}
	}
}

// TestRoomForOne gives up the bundle of before where the disk has no room for two.
func TestRoomForOne(t *testing.T) {
	own := Own{Board: "vm", Build: 1, Format: 1}
	w := releasetest.New(t, time.Now())
	r, _, err := release.Open(w.Sign(t, w.Release(t, 2, random(3, 1000))), w.Keys)
	if err != nil {
		t.Fatal(err)
	}
	f := Facts{Own: own, Link: true, Room: 400, Base: 700}
	has := func(do []Effect, want Effect) bool { return slices.Contains(do, want) }

	s, do := Next(New(), Offered{Release: r}, f)
	if s.Phase != release.Downloading || s.Whole != release.WholeRoom || !has(do, DropBase{}) || slices.Index(do, Effect(DropBase{})) > slices.Index(do, Effect(Fetch{})) {
		t.Errorf("Offered where there is no room for two = %+v, %v, want the one of before removed first", s, do)
	}
	if s, _ = Next(s, Got{Left: 1000, Whole: release.WholeBase}, f); s.Whole != release.WholeRoom || s.Fetch != 1000 {
		t.Errorf("it says %q, want that there was no room", s.Whole)
	}
	if s, do := Next(New(), Offered{Release: r}, Facts{Own: own, Link: true, Room: 200, Base: 700}); s.Last.Code != release.CodeSize || has(do, DropBase{}) {
		t.Errorf("Offered where there is no room for it at all = %+v, %v, want it refused and nothing removed", s, do)
	}
	f.Room = 2000
	if s, do = Next(New(), Offered{Release: r}, f); has(do, DropBase{}) || s.Whole != "" {
		t.Errorf("Offered where there is room = %q, %v, want both kept", s.Whole, do)
	}
	f.Room = 500 // others took it
	if s, do := Next(s, Tick{}, f); !has(do, DropBase{}) || s.Whole != release.WholeRoom {
		t.Errorf("Tick while it is fetched = %q, %v, want the one of before removed", s.Whole, do)
	}
	if s, do := Next(s, Cut{Full: true}, f); !has(do, DropBase{}) || s.Phase != release.Downloading {
		t.Errorf("Cut by a full disk = %+v, %v, want the one of before removed", s, do)
	}
	if _, do := Next(New(), Tick{}, Facts{Room: 1, Base: 700}); has(do, DropBase{}) {
		t.Errorf("Tick with room = %v, want the one of before kept", do)
	}
	if _, do := Next(New(), Tick{}, Facts{Room: -1, Base: 700}); !has(do, DropBase{}) {
		t.Errorf("Tick where the kiosk wants the room = %v, want the one of before removed", do)
	}
}
