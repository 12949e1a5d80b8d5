package identity

import (
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// TestMay: the card page says before anything is asked what the portal would say
// afterwards.
func TestMay(t *testing.T) {
	now := time.Date(2026, 6, 15, 9, 30, 0, 0, time.UTC)
	minor := &trust.Minor{Until: now.AddDate(1, 0, 0)}
	for _, tt := range []struct {
		name   string
		limits *trust.Limits
		minors string
		want   Reason
	}{
		{"no limits", nil, "", ""},
		{"a minor, a service for adults", &trust.Limits{Minor: minor}, "", Minor},
		{"a minor, with a guardian", &trust.Limits{Minor: minor}, catalog.MinorsWithGuardian, Minor},
		{"a minor, a service for all", &trust.Limits{Minor: minor}, catalog.MinorsAllowed, ""},
		{"of age by now", &trust.Limits{Minor: &trust.Minor{Until: now}}, "", ""},
		{"for another field", &trust.Limits{Services: []string{"field/medical"}}, "", OutOfLimits},
		{"for its field", &trust.Limits{Services: []string{"field/housing"}}, "", ""},
	} {
		err := Holder{Limits: tt.limits}.May(&catalog.Service{ID: "residence-certificate", Field: "housing", Minors: tt.minors}, now)
		var got Reason
		if e, ok := errors.AsType[*Error](err); ok {
			got = e.Reason
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
