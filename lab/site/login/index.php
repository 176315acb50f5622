<?php
// The login page, made from its template. Nobody has had to touch it for a long while.
require __DIR__ . '/../lib/page.php';
page('login', [
    'title' => 'Log in',
    'action' => '/login/',
    'note' => 'Your user name is the name of your domain.',
]);
