package osssim

import "net/http"

// Scenario is a failure of OSS's own making, which no callback endpoint can bring about.
type Scenario struct {
	Name  string
	About string
	fault Fault
}

// Scenarios are all of them. The EC numbers without a public page are there because clients must survive them; their messages are ours.
func Scenarios() []Scenario {
	unknown := func(ec string) Scenario {
		return Scenario{"ec-" + ec, "203 with EC 0007-0000" + ec + ", which no public page explains",
			Fault{Operation: "Callback", EC: "0007-0000" + ec, Message: "Unknown callback error."}}
	}
	return []Scenario{
		{"too-many-callbacks", "OSS is too busy to call back", Fault{Operation: "Callback", Status: http.StatusNonAuthoritativeInfo}},
		{"image-info-failed", "OSS cannot read the image: callbackBody must ask for imageInfo.*", Fault{Operation: "ImageInfo", Status: http.StatusInternalServerError}},
		{"object-gone", "the object is deleted before the callback is made", Fault{Operation: "Callback", Vanish: true}},
		{"ec-0006", "400 with EC 0007-00000006, which no public page explains", Fault{Operation: "PutObject", Status: http.StatusBadRequest, Code: "InvalidArgument",
			EC: "0007-00000006", Message: "Unknown callback argument error."}},
		unknown("0206"), unknown("0207"), unknown("0208"),
	}
}

// Provoke plays the scenario for every object whose key begins with prefix, until the function returned is called.
func (s *Server) Provoke(scenario Scenario, prefix string) (stop func()) {
	scenario.fault.Prefix = prefix
	return s.Inject(scenario.fault)
}
