package config

// Secret is a value that must not be shown: in print, log and error messages
// it is masked. As JSON it is itself, because settings travel to workers so.
type Secret string

// String is the mask, or "" for no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return secretMask
}

// GoString is what %#v shows.
func (s Secret) GoString() string { return s.String() }

// Reveal returns the secret itself, for whoever has to send or compare it.
func (s Secret) Reveal() string { return string(s) }
