package osssim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
	// maxParam caps the Base64 of callback and of callback-var.
	maxParam = 5 << 10
)

// callbackParams is a validated callback parameter together with its variables.
type callbackParams struct {
	targets  []target
	host     string // Host header; "" is the URL's
	template []piece
	bodyType string
	sni      bool
	headers  map[string]string
	vars     map[string]string // by full name, "x:..."
}

// usesImageInfo tells whether the template asks for anything about the image.
func (p *callbackParams) usesImageInfo() bool {
	return slices.ContainsFunc(p.template, func(piece piece) bool { return strings.HasPrefix(piece.variable, "imageInfo.") })
}

// callbackFromRequest reads callback and callback-var from headers or query; nil without an error means that none was asked for. Faults
// are found before anything is stored.
func (s *Server) callbackFromRequest(c *call) (*callbackParams, error) {
	callback, asked, err := carried(c, "callback", "27")
	if err != nil {
		return nil, err
	}
	vars, hasVars, err := carried(c, "callback-var", "28") // the number is inferred
	if err != nil || !asked {
		return nil, err
	}
	p, err := parseCallback(callback, s.cfg.Behaviour)
	if err != nil || p == nil {
		return nil, err
	}
	if hasVars {
		if p.vars, err = parseCallbackVar(vars); err != nil {
			return nil, err
		}
	}
	return p, s.admit(c.r.Context(), p.targets)
}

// carried reads a parameter from its header or its query parameter and refuses both at once.
func carried(c *call, name, ec string) (value string, present bool, err error) {
	header := c.r.Header.Values("X-Oss-" + name)
	inQuery := c.query.Has(name)
	switch {
	case len(header) > 0 && inQuery:
		return "", false, errCallback(ec, "Either the "+name+" query string parameter or the x-oss-"+name+
			" header should be specified, not both.", name, "")
	case len(header) > 0:
		return header[0], true, nil
	case inQuery:
		return c.query.Get(name), true, nil
	}
	return "", false, nil
}

// parseCallback validates a callback parameter but for the addresses behind its URLs. It returns nil without an error if the parameter is
// to be ignored. The order of the checks is that of the EC numbers.
func parseCallback(encoded string, b Behaviour) (*callbackParams, error) {
	if len(encoded) > maxParam {
		return nil, errCallback("01", "The length of callback exceed max value.", "callback", "")
	}
	text, err := decodeBase64(encoded)
	if err != nil {
		return nil, errCallback("02", "The callback configuration is not base64 encoded.", "callback", encoded)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil || fields == nil {
		return nil, errCallback("03", "The callback configuration is not json format.", "callback", string(text))
	}
	if _, stored := fields["callbackPolicy"]; stored && fields["callbackUrl"] == nil {
		return nil, &apiError{Status: http.StatusNotFound, Code: "BucketCallbackPolicyNotExist", Message: "The bucket callback policy does not exist."}
	}
	p := &callbackParams{bodyType: formType}
	list, isText := stringField(fields["callbackUrl"])
	if list == "" && (isText || fields["callbackUrl"] == nil) && b.IgnoreEmptyURL {
		return nil, nil
	}
	if p.targets, err = parseTargets(list); err != nil {
		return nil, err
	}
	for _, check := range []func(map[string]json.RawMessage) error{p.readHost, p.readBody, p.readBodyType, p.readSNI, checkInvitationOnly, p.readHeaders} {
		if err := check(fields); err != nil {
			return nil, err
		}
	}
	template, _ := stringField(fields["callbackBody"])
	if p.template, err = parseTemplate(template); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *callbackParams) readHost(fields map[string]json.RawMessage) error {
	raw := fields["callbackHost"]
	if raw == nil {
		return nil
	}
	host, ok := stringField(raw)
	if !ok || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' }) {
		return errCallback("09", "The callback host configuration is invalid.", "callbackHost", string(raw))
	}
	p.host = host
	return nil
}

func (p *callbackParams) readBody(fields map[string]json.RawMessage) error {
	body, ok := stringField(fields["callbackBody"])
	if !ok && fields["callbackBody"] != nil {
		return errCallback("10", "The callback body is invalid.", "callbackBody", string(fields["callbackBody"]))
	}
	if body == "" {
		return errCallback("11", "The callback body is empty.", "callbackBody", "")
	}
	return nil
}

func (p *callbackParams) readBodyType(fields map[string]json.RawMessage) error {
	raw := fields["callbackBodyType"]
	if raw == nil {
		return nil
	}
	bodyType, ok := stringField(raw)
	if !ok {
		return errCallback("12", "The callback body type configuration is invalid.", "callbackBodyType", string(raw))
	}
	if bodyType != formType && bodyType != jsonType {
		return errCallback("13", "The body type of callback is not supported.", "callbackBodyType", bodyType)
	}
	p.bodyType = bodyType
	return nil
}

func (p *callbackParams) readSNI(fields map[string]json.RawMessage) error {
	switch raw := fields["callbackSNI"]; string(raw) {
	case "", "false":
	case "true":
		p.sni = true
	default: // the string "true" too
		return errCallback("14", "The callback sni is invalid.", "callback", string(raw))
	}
	return nil
}

// checkInvitationOnly refuses the fields that OSS opens to invited customers only. Their messages are not public; these are our words.
func checkInvitationOnly(fields map[string]json.RawMessage) error {
	if raw := fields["callbackStage"]; raw != nil {
		if _, ok := stringField(raw); !ok {
			return errCallback("15", "The callback stage is invalid.", "callbackStage", string(raw))
		}
		return errCallback("16", "The callback stage is not supported.", "callbackStage", string(raw))
	}
	if raw := fields["callbackFailureAction"]; raw != nil {
		return errCallback("17", "The callback failure action is invalid.", "callbackFailureAction", string(raw))
	}
	if raw := fields["signatureVersion"]; raw != nil {
		if version, ok := stringField(raw); !ok || version != "1.0" {
			return errCallback("18", "The callback signature version is invalid.", "signatureVersion", string(raw))
		}
	}
	return nil
}

// readHeaders checks additionalHeaders. Its error pages show no messages; these are our words.
func (p *callbackParams) readHeaders(fields map[string]json.RawMessage) error {
	raw := fields["additionalHeaders"]
	if raw == nil {
		return nil
	}
	fault := func(ec, message string) error { return errCallback(ec, message, "additionalHeaders", string(raw)) }
	headers, ok := stringMap(raw)
	if !ok {
		return fault("21", "The additional headers are not a map of strings.")
	}
	if len(headers) > 10 {
		return fault("22", "The number of additional headers exceed max value.")
	}
	for name, value := range headers {
		switch {
		case name == "":
			return fault("23", "The name of an additional header is empty.")
		case strings.ContainsFunc(name, func(r rune) bool {
			return r != '-' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
		}):
			return fault("24", "The name of an additional header is invalid.")
		case strings.ContainsAny(value, "\r\n"):
			return fault("25", "The value of an additional header is invalid.")
		case strings.HasPrefix(strings.ToLower(name), "x-oss-"):
			return fault("26", "The name of an additional header must not start with x-oss-.")
		}
	}
	p.headers = headers
	return nil
}

// parseCallbackVar validates a callback-var parameter: Base64 of a flat JSON object of strings. Names that do not start with "x:" are kept
// but no placeholder can name them.
func parseCallbackVar(encoded string) (map[string]string, error) {
	if len(encoded) > maxParam {
		return nil, errCallback("101", "The length of callback var exceed max value.", "callback-var", "")
	}
	text, err := decodeBase64(encoded)
	if err != nil {
		return nil, errCallback("102", "The callback var is not base64 encoded.", "callback-var", encoded)
	}
	if !json.Valid(text) {
		return nil, errCallback("103", "The callback var is not expecten json.", "callback-var", string(text)) // sic
	}
	vars, ok := stringMap(text)
	if !ok {
		return nil, errCallback("104", "The callback var is not expecten json.", "callback-var", string(text)) // sic
	}
	return vars, nil
}
