package desk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// ReadOfficers reads a file of officers: a JSON list of Officer, strictly. What
// an entry must hold is checked by New.
func ReadOfficers(file string) ([]Officer, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("desk: read officers: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var list []Officer
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("desk: read officers %s: %w", file, err)
	}
	return list, nil
}

// WriteOfficers writes a file that ReadOfficers reads, for its owner only.
func WriteOfficers(file string, list []Officer) error {
	b, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("desk: write officers: %w", err)
	}
	if err := os.WriteFile(file, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("desk: write officers: %w", err)
	}
	return nil
}
