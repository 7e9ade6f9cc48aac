"""How a stick becomes the site in use.

udev sees a stick labelled KIOSK-SITE and starts `kiosk.appliance provision`. At boot only `apply` runs.

Reading order:
- `provision`: the order of the steps; copy, decide, try, install, report on the screen
- `stick`: mounted read-only and copied to memory
- `candidate`: may it replace the installed site? Its PIN, its files, the findings of the check
- `apply`: from site.toml to /run; `firewall` and `services` have the text of each service's configuration
- `installed_sites`: the new folder beside the old one, then one link is switched; and back
- `outcomes`: what the screen shows of other programs' answers
"""
