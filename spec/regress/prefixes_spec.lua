-- An element keeps what its prefixes stand for, wherever it goes.
--
-- Seen, by the fuzzer: an element that was taken out of its parent forgot the namespaces that were declared around it. It printed <x a="1" a="2"/>
-- for <x q:a="1" a="2"/>, which nobody can read, and <arg/> for <qemu:arg/>, which libvirt drops in silence.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local element = guestlua.element

-- What it prints is read again, and prints the same.
local function printed(e)
  local text = tostring(e)
  assert.equal(text, tostring(element(text)))
  return text
end

describe("A prefix", function()
  helper.leaves_nothing()

  it("goes with the element that is taken out of what declares it", function()
    for _, row in ipairs({
      { "<r xmlns:q='urn:q'><x q:a='1' a='2'/></r>", '<x xmlns:q="urn:q" q:a="1" a="2"/>' },
      { "<r xmlns:q='urn:q'><q:x><q:arg/></q:x></r>", '<q:x xmlns:q="urn:q"><q:arg/></q:x>' },
      { "<r xmlns:q='urn:q'><m><q:arg/><b/></m></r>", '<m xmlns:q="urn:q"><q:arg/><b/></m>' },
      { "<r xmlns:q='urn:q' xmlns:p='urn:q'><x q:a='1' p:b='2'/></r>", '<x xmlns:q="urn:q" xmlns:p="urn:q" q:a="1" p:b="2"/>' },
      { "<r xmlns='urn:d'><x><y/></x></r>", '<x xmlns="urn:d"><y/></x>' },
      { "<r xmlns:q='urn:q'><x xmlns:q='urn:s' q:a='1'/></r>", '<x xmlns:q="urn:s" q:a="1"/>' },
      { "<r xmlns:q='urn:q'><x><y xmlns:q='urn:s' q:a='1'/><z q:a='1'/></x></r>",
        '<x xmlns:q="urn:q"><y xmlns:q="urn:s" q:a="1"/><z q:a="1"/></x>' },
      { "<r><x xml:lang='en'/></r>", '<x xml:lang="en"/>' },
    }) do
      local r = element(row[1])
      local x = r:children()[1]
      x:remove()
      assert.equal(row[2], printed(x))
      assert.equal(0, #r:children())
      -- and from there into another one
      assert.equal("<new>" .. row[2] .. "</new>", printed((function()
        local new = element("<new/>")
        new:append(x)
        return new
      end)()))
      -- and where it is replaced
      r = element(row[1])
      x = r:children()[1]
      r[x:tag()] = element(x:tag(), {})
      assert.equal(row[2], printed(x))
    end
  end)

  -- Seen: the new element printed the prefix, and the declaration was gone with the old one.
  it("that the replaced element declares is the new one's", function()
    local D = "<d><q:c xmlns:q='urn:q'><q:arg value='a'/></q:c></d>"
    for _, row in ipairs({
      { D, "c", { arg = { value = "z" } }, '<d><q:c xmlns:q="urn:q"><q:arg value="z"/></q:c></d>' },
      { D, "q:c", { ["q:arg"] = { ["q:x"] = 1 } }, '<d><q:c xmlns:q="urn:q"><q:arg q:x="1"/></q:c></d>' },
      { D, "c", { {}, { [1] = "t" } }, '<d><q:c xmlns:q="urn:q"/><q:c xmlns:q="urn:q">t</q:c></d>' },
      { D, "c", { ["xmlns:q"] = "urn:r", ["q:arg"] = {} }, '<d><q:c xmlns:q="urn:r"><q:arg/></q:c></d>' },
      { D, "c", element("<c><arg/></c>"), '<d><q:c xmlns:q="urn:q"><q:arg/></q:c></d>' },
      { D, "c", element("<p:c xmlns:p='urn:p'/>"), '<d><p:c xmlns:p="urn:p"/></d>' },
      { "<d><c xmlns='urn:c'><x/></c></d>", "c", { y = {} }, '<d><c xmlns="urn:c"><y/></c></d>' },
      { "<d xmlns:q='urn:q'><q:c><x/></q:c></d>", "c", { y = {} }, '<d xmlns:q="urn:q"><q:c><q:y/></q:c></d>' },
    }) do
      local e = element(row[1])
      e[row[2]] = row[3]
      assert.equal(row[4], printed(e))
    end
    local e = element(D) -- an error leaves it as it is
    helper.failure(function() e.c = { arg = { [{}] = 1 } } end)
    assert.equal((D:gsub("'", '"')), printed(e))
  end)

  it("of two that stand for one namespace is either", function()
    local e = element("<r xmlns:a='urn:u' xmlns:b='urn:u' a:x='1'><a:c/></r>")
    assert.equal("1", e["b:x"])
    e["b:x"] = "2"
    assert.same({ ["a:x"] = "2" }, e:attributes())
    assert.is_truthy(e["b:c"])
    e["b:c"] = { { n = 1 }, { n = 2 } }
    assert.equal('<r xmlns:a="urn:u" xmlns:b="urn:u" a:x="2"><b:c n="1"/><b:c n="2"/></r>', printed(e))
    e["b:x"] = nil
    assert.same({}, e:attributes())
    -- XML that has both is no XML with namespaces, and libxml2 reads it: each is itself
    e = element("<r xmlns:a='urn:u' xmlns:b='urn:u' a:x='1' b:x='2'/>")
    e["b:x"] = "3 & <4>"
    assert.same({ ["a:x"] = "1", ["b:x"] = "3 & <4>" }, e:attributes())
    printed(e)
  end)

  it("that nothing declares is a part of the name, and is declared later", function()
    local e = element("<r q:x='1'><q:c/></r>")
    assert.same({ "1", "q:c" }, { e["q:x"], e["q:c"]:tag() })
    e["q:x"] = "2"
    e["xmlns:q"] = "urn:q"
    e["q:x"] = "3"
    assert.equal('<r xmlns:q="urn:q" q:x="3"><q:c/></r>', printed(e))
  end)

  it("that a copy declares otherwise is not taken from its new parent", function()
    local e = element("<q:r xmlns:q='urn:q'/>")
    e:append(element("<x xmlns:q='urn:s' q:a='1'/>"))
    assert.equal('<q:r xmlns:q="urn:q"><x xmlns:q="urn:s" q:a="1"/></q:r>', printed(e))
    e:append(element("<x><y/></x>"))
    assert.equal('<q:x><q:y/></q:x>', (tostring(e):match("<q:x.*</q:x>")))
  end)

  it("is taken away by nil, unless a name has it", function()
    local e = element("<r xmlns:q='urn:q' xmlns:p='urn:p'><x><q:y/></x></r>")
    assert.matches("the element has names with this prefix", helper.failure(function() e["xmlns:q"] = nil end).message)
    e["xmlns:p"] = nil
    assert.equal('<r xmlns:q="urn:q"><x><q:y/></x></r>', printed(e))
    e.x = nil
    e["xmlns:q"] = nil
    assert.equal("<r/>", printed(e))
  end)

  -- Seen, by the fuzzer: libxml2 prints a namespace as it is.
  it("stands for nothing that would print as no XML", function()
    for _, uri in ipairs({ "a<b", "a&b", "", "a\nb", "\r", "a\tb" }) do
      local e = element("<r/>")
      assert.matches("the prefix cannot stand for", helper.failure(function() e["xmlns:q"] = uri end).message)
      assert.equal("<r/>", printed(e))
    end
    for _, text in ipairs({ "<r xmlns:q='a&lt;b'/>", "<r><x xmlns='a&#10;b'/></r>", "<r><x xmlns='a&#13;b'/></r>" }) do
      assert.equal("xml_error", helper.failure(element, text).kind)
    end
    printed(element("<r xmlns:q='a&amp;b' q:a='1'/>"))
    printed(element([[<r xmlns:q="it's &quot;b&quot;"/>]]))
  end)
end)
