-- Elements, as a script makes and changes them. The input is XML text, and after a NUL byte a program: each byte chooses a step, or a value for it.
-- Where there is no program the text is the program too. A step may raise a guestlua.Error; anything else is a finding.

local guestlua = require("guestlua")
local input = require("spec.fuzz.input")
local element = guestlua.element

local MAX_STEPS, MAX_PROGRAM, MAX_TEXT = 48, 512, 1 << 16
local kinds = { bad_argument = true, xml_error = true, closed = true, invalid_xml = true }
local names = {
  "a", "b", "disk", "source", "target", "dev", "file", "name", "text", "comment", "xmlns", "xml", "type", "p", "id", "tag", "children", "q:arg", "",
  "x y", "é", "\xff", "a\0b", "1", "devices",
  "xmlns:q", "xmlns:r", "q:a", "r:a", "q:disk", "r:disk", "xml:id",
}
local texts = {
  "", "x", "urn:q", " ", "\n", "\r", "\t", "]]>", "<!--", "&", "&amp;", "<a/>", "'\"", "é", "\u{1F600}", "\u{FFFE}", "\u{FFFF}", "\u{D800}",
  "\xC0\x80", "\xE0\x80\xAF", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\x7F", "\u{85}", "\u{2028}", "\0", "\1", "\xC3", "--", 0, -1, 1.5, 2.0,
  1e300, 1 / 0, math.mininteger,
}

local byte, pick, some_bytes, finding = input.byte, input.pick, input.some_bytes, input.finding

local function a_name()
  return byte() % 4 == 0 and some_bytes() or pick(names)
end

local function a_scalar()
  local kind = byte() % 8
  if kind == 0 then
    return byte() % 2 == 0 -- no XML
  end
  return kind < 4 and some_bytes() or pick(texts)
end

local pool

local function an_element()
  return pick(pool)
end

local function a_table(depth)
  local t = {}
  for _ = 1, byte() % 5 do
    local kind = byte() % 8
    local value
    if kind < 4 or depth > 6 then
      value = a_scalar()
    elseif kind < 6 then
      value = a_table(depth + 1)
    else
      value = an_element()
    end
    local where = byte() % 8
    if where < 5 then
      t[a_name()] = value
    elseif where == 5 then
      t[1] = value
    elseif where == 6 then
      t[#t + 1] = value
    else
      t[kind == 7 and t or byte() % 4] = value
    end
  end
  return t
end

-- Whether it went well; what it gave, or its error.
local function try(f, ...)
  local ok, result = pcall(f, ...)
  if ok or type(result) == "table" and kinds[result.kind] and type(tostring(result)) == "string" then
    return ok, result
  end
  finding("no guestlua.Error: %s", tostring(result))
end

-- What is printed is read again, and then printed the same.
local function check_text(text)
  if #text > MAX_TEXT or text == "<Element (closed)>" then
    return nil
  end
  local ok, again = try(element, text)
  if not ok then
    finding("what was printed cannot be read: %s\n%s", again, text)
  end
  if tostring(again) ~= text then
    finding("prints another text the second time:\n%s\n%s", text, tostring(again))
  end
  return again
end

local function add(e)
  if type(e) == "userdata" and #pool < 24 then
    pool[#pool + 1] = e
  end
end

local methods = {}
for _, class in ipairs(require("guestlua.core").documentation().classes) do
  if class.name == "Element" then
    for _, method in ipairs(class.methods) do
      methods[method.name] = true
    end
  end
end

-- Assigns, and looks at what is read then. An assignment that fails changes nothing.
local function assign(e, key, value)
  local before = tostring(e)
  if #before > MAX_TEXT then
    return
  end
  local had = type(key) == "string" and try(e.attribute, e, key) and e:attribute(key)
  local ok = try(function()
    e[key] = value
  end)
  if not ok then
    if tostring(e) ~= before then
      finding("a failed assignment to %q changed the element:\n%s\n%s", key, before, tostring(e))
    end
  elseif type(value) == "table" or type(value) == "userdata" then
    if not e:child(key) then
      finding("%q was assigned and is not there", key)
    end
  elseif value == nil then
    if had and e:attribute(key) or not had and e:child(key) then
      finding("%q was taken away and is still there", key)
    end
  elseif not methods[key] then
    local now = e[key]
    local text = type(now) == "userdata" and now[1] or now
    local wanted = math.type(value) == "float" and math.tointeger(value) or value
    if text ~= tostring(wanted) then
      finding("%q was set to %q and is %q", key, value, text)
    end
  end
end

local steps = {
  function(e)
    for i, child in ipairs(e:children()) do
      if i <= 4 or i == byte() then
        add(child)
      end
    end
  end,
  function(e)
    add(e:child(a_name()))
  end,
  function(e)
    return e:attribute(a_name()), e[1], e:tag(), e[2], e[a_table(6)], e[1.0], #e:children(a_name())
  end,
  function(e)
    add(e[a_name()])
  end,
  function(e)
    assign(e, a_name(), a_scalar())
  end,
  function(e)
    assign(e, a_name(), a_table(0))
  end,
  function(e)
    local value = an_element()
    assign(e, byte() % 4 == 0 and a_name() or value:tag(), value)
  end,
  function(e)
    assign(e, a_name(), nil)
  end,
  function(e)
    assign(e, 1, a_scalar())
  end,
  function(e)
    add(check_text(tostring(e)))
  end,
  function()
    add(element(a_name(), a_table(0)))
  end,
  function(e)
    local before = tostring(e)
    if #before < MAX_TEXT and not try(function()
      add(e:append(an_element()))
    end) and tostring(e) ~= before then
      finding("a failed append changed the element")
    end
  end,
  function(e)
    e:remove()
  end,
  function()
    table.remove(pool, byte() % #pool + 1)
    add(element("a", {}))
  end,
  function(e)
    if byte() == 77 then
      local guard <close> = e
    end
  end,
  function()
    if byte() % 8 == 0 then
      collectgarbage()
    end
  end,
  function(e)
    if byte() == 86 and byte() == 86 then -- slow: it reads libvirt's schema
      e:validate()
    end
  end,
  function(e)
    assign(e, pick({ 0, 2, -1, 1.5, true, e }), pick({ "x", 1, true }))
  end,
}

return function(bytes)
  local text, rest = bytes:match("^([^\0]*)\0?(.*)$")
  input.begin(rest ~= "" and rest or text, MAX_PROGRAM)
  pool = {}
  local _, root = try(element, text)
  add(root)
  pool[1] = pool[1] or element("a", {})
  for _ = 1, MAX_STEPS do
    if input.is_over() then
      break
    end
    try(pick(steps), an_element())
    pool[1] = pool[1] or element("a", {})
  end
  for _, e in ipairs(pool) do
    check_text(tostring(e))
  end
  pool = nil
end
