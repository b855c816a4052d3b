// Light or dark as the system says, until the reader chooses.
{
  const button = document.getElementById('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  // the dark colours stand in rules of this medium: a choice changes what the rules listen to, so that paper stays light
  const rules = [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
    .filter(rule => rule.media && rule.media.mediaText.includes('prefers-color-scheme'));
  let dark = system.matches;
  const name = () => { button.textContent = dark ? 'Light' : 'Dark'; };
  const apply = () => {
    for (const rule of rules) rule.media.mediaText = dark ? 'screen' : 'not all';
    document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
    name();
  };
  button.addEventListener('click', () => { dark = !dark; apply(); });
  system.addEventListener('change', event => { if (!document.documentElement.style.colorScheme) { dark = event.matches; name(); } });
  button.setAttribute('aria-label', 'Change between light and dark');
  name();
  button.hidden = false;

  // what is folded away is printed
  addEventListener('beforeprint', () => {
    for (const part of document.querySelectorAll('main details:not([open])')) { part.open = true; part.dataset.opened = ''; }
  });
  addEventListener('afterprint', () => {
    for (const part of document.querySelectorAll('main details[data-opened]')) { part.open = false; delete part.dataset.opened; }
  });

  // menus close like menus
  for (const menu of document.querySelectorAll('details.menu')) {
    const close = () => { menu.open = false; };
    menu.addEventListener('keydown', event => {
      if (event.key === 'Escape' && menu.open) { close(); menu.querySelector('summary').focus(); }
    });
    menu.addEventListener('click', event => { if (event.target.closest('a')) close(); });
    document.addEventListener('pointerdown', event => { if (!menu.contains(event.target)) close(); });
    menu.addEventListener('focusout', event => { if (event.relatedTarget && !menu.contains(event.relatedTarget)) close(); });
  }
}
