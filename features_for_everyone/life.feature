@cluster
Feature: The chart's life
  As an operator
  I want to install, change, take back and remove the application with its chart
  so that people who use it notice nothing, and nothing stays behind.

  @US3.1 @SC-004
  Scenario: Installing it again changes nothing
    Given a second installation of the application
    When the chart is installed again with the same values
    Then a new revision is deployed
    But no object of it has changed
    And no pod of it was replaced or started again

  @US3.1 @SC-004 @with-tags-of-images @with-a-public-role
  Scenario: A new version is rolled out and taken back
    Given a second installation of the application
    And somebody who asks all the time whether it is ready
    When it is upgraded to images with another tag
    Then every pod of it is new and runs the images with that tag
    When it is rolled back to the revision before
    Then it is as it was before the upgrade
    And not one request was lost

  @US3.1 @with-tags-of-images @with-a-public-role
  Scenario: An upgrade to an image that does not exist is named and taken back
    Given a second installation of the application
    And somebody who asks all the time whether it is ready
    When an upgrade brings an image that does not exist
    Then that is given up within 20 seconds, because the image cannot be had
    And the pods of before still serve
    When it is rolled back to the revision before
    Then it is as it was before the upgrade
    And not one request was lost

  @US3.1 @SC-004
  Scenario: Uninstalling leaves nothing behind
    Given the application is installed by its chart
    And the cluster without a second installation
    When a second one is installed, tested and uninstalled
    Then nothing of it is left in the cluster, of whatever kind
    And the first installation runs on untouched
