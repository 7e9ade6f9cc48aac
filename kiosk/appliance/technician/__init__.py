"""The appliance's pages: no site yet, a stick's result, the technician's menu, recovery, the installer.

Reading order:
- `program`: the loop; page.json, the screen's end of root's socket, the pure pages and the window
- `state`: what the pages know, the events and the requests to root
- `step`: (state, event) -> (state, requests), pure; what a person can ask root for
- `pages`: state -> Page, in words; `layout`: Page -> items on the glass
"""
