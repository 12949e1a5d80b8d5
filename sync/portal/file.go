package portal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// FileName is the name of the portal's settings in its folder.
const FileName = "portal.json"

// File is portal.json: where the portal's keys and files are. Paths are
// relative to the folder of the file. Keys are PEM files ("PRIVATE KEY",
// PKCS #8); certificates are PEM files, the leaf first and its issuers after it.
type File struct {
	// Name is the confirmer in receipts, e.g. "portal.specimen".
	Name string `json:"name"`
	// Host is the name in the TLS certificate that kiosks ask for.
	Host string `json:"host"`
	// PublicURL is where the public pages are found from outside; the printed
	// seals point there. Empty: the address of the web listener.
	PublicURL string `json:"public_url,omitempty"`
	// TLS is what kiosks connect to.
	TLS Pair `json:"tls"`
	// Receipt signs receipts, beacons and the seals of receipts.
	Receipt Pair `json:"receipt"`
	// Register signs the catalogue and the trust bundle.
	Register Pair `json:"register"`
	// TSA is the key of the portal's own time-stamping authority.
	TSA Pair `json:"tsa"`
	// Agencies are the keys that sign answers, by the agency's id in the catalogue.
	Agencies map[string]Pair `json:"agencies"`
	// Age is a file of AGE-SECRET-KEY-1… lines: what opens sealed requests.
	Age string `json:"age"`
	// Roots are the certificates that the trust bundle is checked against.
	Roots string `json:"roots"`
	// Devices are the certificates of the centres that issue kiosks'
	// certificates.
	Devices string `json:"devices"`
	// Trust is the signed trust bundle.
	Trust string `json:"trust"`
	// Catalogue is the signed catalogue; packs are added to it and the whole is
	// signed again with a higher version.
	Catalogue string `json:"catalogue"`
	// Older are signed catalogues that this portal never published, but kiosks
	// came with: their requests are compressed with them.
	Older []string `json:"older_catalogues,omitempty"`
	// Officers is a JSON file: a list of desk.Officer. Empty: nobody can sign in
	// at the desk.
	Officers string `json:"officers,omitempty"`
	// Releases are those of the kiosks' software; without roots there are none.
	Releases FileReleases `json:"releases,omitzero"`
	// Enrol is how kiosks get their certificates here; none: the register issues them.
	Enrol *Enrol `json:"enrol,omitempty"`
	// Limits are what kiosks may bring and how the portal keeps room for itself.
	Limits Limits `json:"limits,omitzero"`
	// Ledger is the database: a file, which is created if it is not there, or
	// postgres://USER@HOST/DATABASE, without a password.
	Ledger string `json:"ledger"`
}

// FileReleases says where releases of the kiosks' software are, and what they may
// cost.
type FileReleases struct {
	// Roots is a file of the certificates that stand in the kiosks' images too.
	Roots string `json:"roots"`
	// Folder is where bundles are kept; empty: "releases".
	Folder string `json:"folder,omitempty"`
	// Kiosks and Percent are on how many kiosks of a ring a release may fail before it
	// is paused: that many, or that share of those that tried, whichever is more. 0: 1
	// kiosk, 10 percent.
	Kiosks  int `json:"kiosks,omitempty"`
	Percent int `json:"percent,omitempty"`
}

// Enrol of portal.json. Zeros are the defaults.
type Enrol struct {
	// Issuer is the centre that certifies kiosks: one of Devices.
	Issuer Pair `json:"issuer"`
	// Codes is a file of 64 hex digits, the key of one-time codes: openssl rand -hex 32.
	// All portals of one ledger have the same. A new one makes every open code void.
	Codes string `json:"codes"`
	// IdentityDays and SigningDays are how long certificates are good: 90 and 730.
	IdentityDays int `json:"identity_days,omitempty"`
	SigningDays  int `json:"signing_days,omitempty"`
	// GraceDays is for how long after its end one still renews: 30.
	GraceDays int `json:"grace_days,omitempty"`
}

func (e *Enrol) check() error {
	if e == nil {
		return nil
	}
	for name, n := range map[string]int{"identity_days": e.IdentityDays, "signing_days": e.SigningDays, "grace_days": e.GraceDays} {
		if n < 0 || n > 3660 {
			return fmt.Errorf("enrol.%s: got %d, want 0 to 3660", name, n)
		}
	}
	if e.Issuer.Cert == "" || e.Issuer.Key == "" || e.Codes == "" {
		return fmt.Errorf("enrol: issuer and codes are needed")
	}
	return nil
}

// Limits of portal.json. Zeros are the defaults.
type Limits struct {
	// Records, Bytes and Sessions are of one kiosk: Quota.
	Records  Allowance `json:"records,omitzero"`
	Bytes    Allowance `json:"bytes,omitzero"`
	Sessions Allowance `json:"sessions,omitzero"`
	// DiskReserve is how many bytes of the ledger's disk requests never take: 1 GiB.
	DiskReserve int64 `json:"disk_reserve,omitempty"`
	// SilentHours is after how long without a visit, or with a request unsent, the
	// fleet view marks a kiosk (ED-25): 24.
	SilentHours int `json:"silent_hours,omitempty"`
}

// check refuses what would keep every kiosk out.
func (l Limits) check() error {
	for name, n := range map[string]int64{
		"records.burst": l.Records.Burst, "records.day": l.Records.Day, "bytes.burst": l.Bytes.Burst, "bytes.day": l.Bytes.Day,
		"sessions.burst": l.Sessions.Burst, "sessions.day": l.Sessions.Day, "disk_reserve": l.DiskReserve, "silent_hours": int64(l.SilentHours),
	} {
		if n < 0 {
			return fmt.Errorf("limits.%s: got %d, want 0 or more", name, n)
		}
	}
	return nil
}

// Pair is a certificate and its key, as file names.
type Pair struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// WriteFile writes f as portal.json into dir.
func WriteFile(dir string, f File) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("portal: write settings: %w", err)
	}
	name := filepath.Join(dir, FileName)
	if err := os.WriteFile(name, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("portal: write settings: %w", err)
	}
	return nil
}

// ReadFile reads portal.json from dir, strictly: an unknown key is an error.
func ReadFile(dir string) (File, error) {
	name := filepath.Join(dir, FileName)
	b, err := os.ReadFile(name)
	if err != nil {
		return File{}, fmt.Errorf("portal: read settings: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var f File
	if err := d.Decode(&f); err != nil {
		return File{}, fmt.Errorf("portal: read settings %s: %w", name, err)
	}
	for _, err := range []error{f.Limits.check(), f.Enrol.check()} {
		if err != nil {
			return File{}, fmt.Errorf("portal: read settings %s: %w", name, err)
		}
	}
	return f, nil
}
