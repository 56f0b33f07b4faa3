package transform

import (
	"net"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// ErrNoDomain refuses what holds no domain that someone could have registered.
var ErrNoDomain = &Error{"no_domain", "holds no registrable domain",
	"map a web address, an e-mail address or a domain"}

// Domain returns the registrable domain of a web address, an e-mail address or a host name, in lower-case ASCII:
// "https://www.Shop.example.co.uk:8080/x" is "example.co.uk". What can be registered is decided by the public
// suffix list that is built in.
func Domain(b []byte) (string, error) {
	s := string(Trim(b))
	if strings.ContainsRune(s, utf8.RuneError) {
		return "", ErrNoDomain
	}
	if i := strings.Index(s, "://"); i >= 0 {
		s = s[i+3:]
	}
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s = s[:i]
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	s, err := idna.Lookup.ToASCII(strings.TrimSuffix(s, "."))
	if err != nil || s == "" || net.ParseIP(strings.Trim(s, "[]")) != nil {
		return "", ErrNoDomain
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(s)
	if err != nil {
		return "", ErrNoDomain
	}
	return domain, nil
}
