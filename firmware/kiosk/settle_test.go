package kiosk

import (
	"context"
	"testing"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/ui/screen"
)

// stall has the next accept run out of time. Its write still becomes durable,
// when the test says so: at once, or after the citizen tried again.
func (r *rig) stall(late bool) (release chan struct{}, docs *[]outbox.Doc) {
	release, docs = make(chan struct{}), &[]outbox.Doc{}
	first := true
	written := make(chan struct{})
	r.k.accept = func(ctx context.Context, d outbox.Draft) (outbox.Request, error) {
		*docs = append(*docs, d.Doc)
		if !first {
			if late {
				close(release) // the writer goes on: the first write comes before this one
				<-written
			}
			return r.k.box.Accept(ctx, d)
		}
		first = false
		go func() {
			defer close(written)
			if late {
				<-release
			}
			if _, err := r.k.box.Accept(context.WithoutCancel(ctx), d); err != nil {
				r.t.Error(err)
			}
		}()
		if !late {
			<-written
		}
		return outbox.Request{}, context.DeadlineExceeded
	}
	return release, docs
}

// An accept that ran out of time and is stored all the same: trying again offers
// the same document, and there is one request.
func TestAcceptInDoubt(t *testing.T) {
	for name, late := range map[string]bool{"stored before": false, "stored meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.start()
			r.toPIN("citizen-1")
			_, docs := r.stall(late)
			r.do("pin", "pin", r.pin("citizen-1"))
			if v := r.on(screen.Problem); v.Problem.Key != "broken" || !v.Problem.Retry {
				t.Fatalf("problem: %+v", v.Problem)
			}
			r.do("retry")
			r.on(screen.PIN)
			r.do("pin", "pin", r.pin("citizen-1"))
			if v := r.on(screen.Done); v.Done.Code == "" {
				t.Errorf("done without a code: %+v", v.Done)
			}
			if len(*docs) != 2 || (*docs)[0] != (*docs)[1] {
				t.Errorf("documents offered: %x, want one twice", *docs)
			}
			if n := len(r.state().Queue.ByState); n == 0 {
				t.Error("no states")
			}
			total := 0
			for _, n := range r.state().Queue.ByState {
				total += n
			}
			if total != 1 {
				t.Errorf("%d requests, want 1", total)
			}
			r.leave()
			if r.k.visit != nil && r.k.visit.signed != nil {
				t.Error("the document is still kept")
			}
		})
	}
}

// The citizen changes an answer before trying again: the first document is taken
// back, and one other stands.
func TestAcceptInDoubtThenChanged(t *testing.T) {
	r := newRig(t)
	r.start()
	r.toPIN("citizen-1")
	_, docs := r.stall(false)
	r.do("pin", "pin", r.pin("citizen-1"))
	r.on(screen.Problem)
	r.k.mu.Lock()
	r.k.visit.state.Lang = "ru" // it is asked for otherwise now
	r.k.mu.Unlock()
	r.do("retry")
	r.on(screen.PIN)
	r.do("pin", "pin", r.pin("citizen-1"))
	r.on(screen.Done)
	if len(*docs) != 2 || (*docs)[0] == (*docs)[1] {
		t.Fatalf("documents offered: %x, want two", *docs)
	}
	old, err := r.k.box.Get(t.Context(), (*docs)[0])
	r.must(err)
	_, err = r.k.box.Get(t.Context(), (*docs)[1])
	r.must(err)
	if old.State != outbox.Withdrawn {
		t.Errorf("the first is %v, want withdrawn", old.State)
	}
	r.leave()
}
