-- Values of a device's XML, as libvirt reads them: two spellings of one value compare equal here.

local mac = require("guestlua.base.mac")

local values = {}

-- A number as strtoul reads it with base 0, as libvirt reads addresses: "0x0a", "10" and "012" are one number. nil: no number.
function values.number(text)
  text = text and text:match("^%s*(.-)%s*$") or ""
  local hex = text:match("^0[xX](%x+)$")
  if hex then
    return tonumber(hex, 16)
  elseif text:find("^0[0-7]+$") then
    return tonumber(text, 8)
  end
  return text:find("^%d+$") and tonumber(text, 10) or nil
end

-- What is no MAC address is compared as a text.
function values.mac(text)
  return text and (mac(text) or text:lower())
end

-- libvirt prints UUIDs and world wide names in lower case, and accepts a UUID without its dashes.
function values.lower(text)
  return text and text:lower()
end

function values.uuid(text)
  local digits = text and text:lower():gsub("[%s-]", "")
  return digits and digits:find("^%x+$") and #digits == 32 and digits or text
end

local SCALES = { [""] = 1, b = 1, byte = 1, bytes = 1 }
for i, letter in ipairs({ "k", "m", "g", "t", "p", "e" }) do
  SCALES[letter], SCALES[letter .. "ib"], SCALES[letter .. "b"] = 1024 ^ i, 1024 ^ i, 1000 ^ i
end

-- A size in bytes. unit: nil for the default, `unsaid`.
function values.size(text, unit, unsaid)
  local number, scale = tonumber(text), SCALES[(unit or unsaid or "b"):lower()]
  return number and scale and number * scale
end

local WORDS = { yes = "yes", on = "yes", ["true"] = "yes", no = "no", off = "no", ["false"] = "no" }

-- Paths of files: libvirt keeps them as they were written.
function values.path(text)
  return text and (text:gsub("/%./", "/"):gsub("//+", "/"))
end

function values.name(text)
  return text:match("^%s*(.-)%s*$")
end

-- Any other value: a number is one number in hexadecimal and decimal, a boolean has three spellings of each value.
function values.plain(text)
  text = text:match("^%s*(.-)%s*$")
  if text:find("^0[xX]%x+$") or text:find("^%d+$") then
    return math.tointeger(tonumber(text)) or text
  elseif text:find("^%x%x?:%x%x?:%x%x?:%x%x?:%x%x?:%x%x?$") then
    return values.mac(text)
  elseif text:find("^%x+%-%x+%-%x+%-%x+%-%x+$") then
    return values.uuid(text)
  elseif text:find("^/") then
    return values.path(text)
  end
  return WORDS[text] or text
end

-- "target/dev" is the attribute dev of the first child <target>, "backend/" the text of the child.
function values.at(element, path)
  for step in path:gmatch("([^/]+)/") do
    element = element and element:child(step)
  end
  local last = path:match("[^/]*$")
  if not element then
    return nil
  end
  return last == "" and element[1] or last ~= "" and element:attribute(last) or nil
end

return values
