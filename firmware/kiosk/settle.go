package kiosk

import (
	"context"
	"errors"
	"maps"
	"reflect"

	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/sync/outbox"
)

// signed is a document of which nobody knows whether it is stored: the write did
// not come back in time and may still become durable. A second one must not be
// signed beside it.
type signed struct {
	of    session.Draft
	draft outbox.Draft
}

// keepSigned remembers such a document for the visit; nil: there is none any more.
func (k *Kiosk) keepSigned(v *visit, s *signed) {
	k.mu.Lock()
	old := v.signed
	if k.visit == v {
		v.signed = s
	}
	k.mu.Unlock()
	if s == nil && old != nil {
		old.draft.Staged.Discard() // unless a request has it, or may yet
	}
}

// settle answers for a document that this visit signed before, if there is one.
// The same request is offered again as that very document: the outbox accepts one
// document once. One whose answers were changed since is withdrawn first, and
// where it left already, it stands. Nil: there is nothing to settle, a new one may
// be signed.
func (k *Kiosk) settle(ctx context.Context, v *visit, e session.Submit) session.Event {
	k.mu.Lock()
	s := v.signed
	k.mu.Unlock()
	if s == nil {
		return nil
	}
	k.keeping.RLock()
	defer k.keeping.RUnlock()
	if alike(&s.of, &e.Draft) {
		return k.store(ctx, v, e, s.draft)
	}
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), signTime)
	defer cancel()
	err := k.box.Withdraw(keep, s.draft.Doc)
	switch {
	case err == nil, errors.Is(err, outbox.ErrNotFound): // writes keep their order: it does not come any more
		k.keepSigned(v, nil)
		return nil
	case errors.Is(err, outbox.ErrSent):
		r, err := k.box.Get(keep, s.draft.Doc)
		if err == nil {
			k.keepSigned(v, nil)
			r.Code = s.draft.Code
			return k.accepted(e, r)
		}
		k.log.Error("a request that left cannot be read", "err", err)
	default:
		k.log.Error("a request could not be withdrawn", "err", err)
	}
	return session.Failed{Job: e.Job, Why: session.Broken, Code: "outbox.accept"}
}

// alike reports whether two drafts ask for the same.
func alike(a, b *session.Draft) bool {
	if a.Service.ID != b.Service.ID || a.Service.Version != b.Service.Version || a.Lang != b.Lang || (a.Holder == nil) != (b.Holder == nil) {
		return false
	}
	if a.Holder != nil && a.Holder.Person.ID != b.Holder.Person.ID {
		return false
	}
	return reflect.DeepEqual(a.Agency, b.Agency) && maps.Equal(a.Answers.Reveal(), b.Answers.Reveal()) && reflect.DeepEqual(a.Corrects, b.Corrects) &&
		reflect.DeepEqual(a.Files, b.Files)
}
