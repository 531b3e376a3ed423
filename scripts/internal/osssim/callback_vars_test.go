package osssim

import (
	"testing"
)

func TestSubstitute(t *testing.T) {
	vars := map[string]variable{
		"object":           {text: "a b/c+d:e~*中\"\\.jpg"},
		"etag":             {text: "ABCD"},
		"size":             {text: "12", number: true},
		"imageInfo.height": {number: true},
		"x:fname":          {text: "<&>\n"},
		"x:n":              {text: "42"},
		"empty":            {},
	}
	tests := []struct {
		name, template, bodyType, want string
		behaviour                      Behaviour
	}{
		{name: "form", template: "object=${object}&s=${size}", bodyType: formType, want: "object=a%20b%2Fc%2Bd%3Ae~%2A%E4%B8%AD%22%5C.jpg&s=12"},
		{name: "form plus", template: "${object}", bodyType: formType, want: "a+b%2Fc%2Bd%3Ae~%2A%E4%B8%AD%22%5C.jpg", behaviour: Behaviour{FormSpaceAsPlus: true}},
		{name: "form literals stay", template: "x:a b=${x:n}&c=中", bodyType: formType, want: "x:a b=42&c=中"},
		{name: "form empty", template: "a=${empty}&b=${imageInfo.height}&c=${x:none}&d=${unknown}", bodyType: formType, want: "a=&b=&c=&d="},
		{name: "json strings", template: `{"o":${object},"n":${x:n}}`, bodyType: jsonType, want: `{"o":"a b/c+d:e~*中\"\\.jpg","n":"42"}`},
		{name: "json no html escapes", template: `${x:fname}`, bodyType: jsonType, want: `"<&>\n"`},
		{name: "json numbers bare", template: `{"s":${size},"t":"${size},${size}"}`, bodyType: jsonType, want: `{"s":12,"t":"12,12"}`},
		{name: "json empty number is nothing", template: `{"h":${imageInfo.height}}`, bodyType: jsonType, want: `{"h":}`},
		{name: "json empty string", template: `[${empty},${x:none}]`, bodyType: jsonType, want: `["",""]`},
		{name: "json doubled quotes", template: `{"e":"${etag}"}`, bodyType: jsonType, want: `{"e":""ABCD""}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			template, err := parseTemplate(tt.template)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(substitute(template, vars, tt.bodyType, tt.behaviour)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
