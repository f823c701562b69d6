-- guestlua doc/make.lua DIRECTORY: writes what is made from the texts in the source and kept in the repository, at its place below DIRECTORY.

package.path = "./?.lua;" .. package.path

local directory = ...

for _, maker in ipairs({ "reference", "types", "man", "completions", "virsh_page" }) do
  for path, text in pairs(require("doc." .. maker)) do
    path = directory .. "/" .. path
    assert(os.execute(("mkdir -p '%s'"):format(path:match("^(.*)/"))))
    local file <close> = assert(io.open(path, "w"))
    assert(file:write(text))
  end
end
