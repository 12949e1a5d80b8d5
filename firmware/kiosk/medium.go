package kiosk

import (
	"time"

	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/storage"
)

// mediumEvery is how often the storage is looked at: wear is a matter of years.
const mediumEvery = time.Minute

// lookMedium says what is to be told of the storage under the state folder. A look
// that fails says nothing new.
func (k *Kiosk) lookMedium() {
	k.mu.Lock()
	due := k.mediumSeen.IsZero() || time.Since(k.mediumSeen) >= mediumEvery
	if due {
		k.mediumSeen = time.Now()
	}
	k.mu.Unlock()
	if !due {
		return
	}
	m, err := storage.Look("/sys", k.s.State)
	if err != nil {
		k.log.Warn("the storage could not be looked at", "err", err)
		return
	}
	k.mu.Lock()
	k.medium = &m
	k.mu.Unlock()
	w := storage.Judge(m)
	k.set(health.StorageWorn, w.Worn)
	k.set(health.StorageFaulty, w.Faulty)
	k.set(health.StorageTight, w.Tight)
}

// StorageStatus is the medium under the state folder. A number below 0 is not known.
type StorageStatus struct {
	Device   string `json:"device"`
	Kind     string `json:"kind"`
	Model    string `json:"model"`
	Size     int64  `json:"size"`
	Free     int64  `json:"free"`
	Worn     int    `json:"worn_percent"`
	Spent    int    `json:"spare_spent_percent"`
	Written  int64  `json:"written_since_start"`
	Errors   int64  `json:"errors"`
	ReadOnly bool   `json:"read_only"`
}

// storageStatus is nil until the storage was looked at. k.mu is held.
func (k *Kiosk) storageStatus() *StorageStatus {
	m := k.medium
	if m == nil {
		return nil
	}
	return &StorageStatus{m.Device, m.Kind, m.Model, m.Size, m.Free, m.Worn, m.Spent, m.Written, m.Errors, m.ReadOnly}
}
